/* message.h - error messages, into a caller's buffer. Not for the audio thread. */
#pragma once

#include "tagnode.h"

/* Formats the sentence into `why` (may be NULL; a long one is truncated) and returns `status`. */
#if defined(__MINGW32__)
__attribute__((format(gnu_printf, 3, 4)))
#elif defined(__GNUC__)
__attribute__((format(printf, 3, 4)))
#endif
tagnode_status tagnode_report(tagnode_message *why, tagnode_status status, const char *format, ...);

/* The same for an argument that is refused. */
#define tagnode_refuse(why, ...) tagnode_report(why, TAGNODE_ERROR_ARGUMENT, __VA_ARGS__)

/* Writes that there is no memory for `purpose`, "a node". The status is returned here so that
 * static analysers see it. */
static inline tagnode_status tagnode_no_memory(tagnode_message *why, const char *purpose) {
    (void)tagnode_report(why, TAGNODE_ERROR_MEMORY, "No memory for %s.", purpose);
    return TAGNODE_ERROR_MEMORY;
}
