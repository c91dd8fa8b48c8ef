/* processor_time.h - time that this thread has spent computing, not waiting for others; in
 * WebAssembly, which cannot know, time that has passed. */
#pragma once

#include <time.h>

/* [main] */
static inline double tagnode_processor_seconds(void) {
#if defined(__wasi__)
    struct timespec time = {0};
    (void)clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + 1e-9 * (double)time.tv_nsec;
#else
#if defined(CLOCK_THREAD_CPUTIME_ID)
    struct timespec time;
    if (clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time) == 0)
        return (double)time.tv_sec + 1e-9 * (double)time.tv_nsec;
#endif
    return (double)clock() / CLOCKS_PER_SEC;
#endif
}
