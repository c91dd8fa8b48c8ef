/* aligned.h - memory on a cache line, all zeros. */
#ifndef TAGNODE_SUPPORT_ALIGNED_H
#define TAGNODE_SUPPORT_ALIGNED_H

#include <stdlib.h>
#include <string.h>

#ifdef _WIN32
#include <malloc.h>
#endif

/* NULL when there is none. Ends with tagnode_aligned_free. [main] */
static inline void *tagnode_aligned_calloc(size_t bytes) {
    const size_t line = 64, whole = (bytes + line - 1) / line * line;
#ifdef _WIN32
    void *memory = _aligned_malloc(whole, line); /* which free would not take */
#else
    void *memory = aligned_alloc(line, whole);
#endif
    if (memory != NULL) memset(memory, 0, whole);
    return memory;
}

static inline void tagnode_aligned_free(void *memory) {
#ifdef _WIN32
    _aligned_free(memory);
#else
    free(memory);
#endif
}

#endif
