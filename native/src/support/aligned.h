/* aligned.h - zeroed memory, aligned to a cache line. */
#pragma once

#include <stdlib.h>
#include <string.h>

#ifdef _WIN32
#include <malloc.h>
#endif

/* Returns NULL if out of memory. Free with tagnode_aligned_free. [main] */
static inline void *tagnode_aligned_calloc(size_t bytes) {
    const size_t line = 64, whole = (bytes + line - 1) / line * line;
#ifdef _WIN32
    void *memory = _aligned_malloc(whole, line); /* free() does not accept it */
#else
    void *memory = aligned_alloc(line, whole);
#endif
    if (memory != NULL) memset(memory, 0, whole);
    return memory;
}

/* Returns the next part of such memory, aligned to a cache line too; only counts while it is NULL.
 */
static inline void *tagnode_take_part(void *memory, size_t *used, size_t bytes) {
    void *part = memory == NULL ? NULL : (char *)memory + *used;
    *used += (bytes + 63) / 64 * 64;
    return part;
}

static inline void tagnode_aligned_free(void *memory) {
#ifdef _WIN32
    _aligned_free(memory);
#else
    free(memory);
#endif
}
