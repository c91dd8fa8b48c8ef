/* waiting.h - marks where the audio thread may wait because the caller asked for it: offline, where
 * waiting makes results repeatable, or on a host's main thread. Suspends the checks of the compiler
 * and the sanitizer. */
#pragma once

#include "tagnode.h"

/* Around functions whose effects the compiler must not check. */
#if defined(__clang__)
#define TAGNODE_UNCHECKED_BEGIN                                                                    \
    _Pragma("clang diagnostic push")                                                               \
        _Pragma("clang diagnostic ignored \"-Wunknown-warning-option\"")                           \
            _Pragma("clang diagnostic ignored \"-Wfunction-effects\"")
#define TAGNODE_UNCHECKED_END _Pragma("clang diagnostic pop")
#else
#define TAGNODE_UNCHECKED_BEGIN
#define TAGNODE_UNCHECKED_END
#endif

#if defined(__has_feature)
#if __has_feature(realtime_sanitizer)
#include <sanitizer/rtsan_interface.h>
#define TAGNODE_RTSAN
#endif
#endif

/* Between these two calls the sanitizer does not check. */
TAGNODE_UNCHECKED_BEGIN
static inline void tagnode_let_wait(void) TAGNODE_NONBLOCKING {
#if defined(TAGNODE_RTSAN)
    __rtsan_disable();
#endif
}

static inline void tagnode_forbid_waiting(void) TAGNODE_NONBLOCKING {
#if defined(TAGNODE_RTSAN)
    __rtsan_enable();
#endif
}
TAGNODE_UNCHECKED_END
