/* message.h - error messages, into a caller's buffer. Not for the audio thread. */
#ifndef TAGNODE_SUPPORT_MESSAGE_H
#define TAGNODE_SUPPORT_MESSAGE_H

#include "tagnode.h"

/* Formats the sentence into `why` (may be NULL; a long one is truncated) and returns `status`. */
#if defined(__MINGW32__)
__attribute__((format(gnu_printf, 3, 4)))
#elif defined(__GNUC__)
__attribute__((format(printf, 3, 4)))
#endif
tagnode_status tagnode_report(tagnode_message *why, tagnode_status status, const char *format, ...);

#endif
