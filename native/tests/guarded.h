/* guarded.h - memory that ends where reading or writing further is fatal; in WebAssembly, which has
 * no pages to protect, it is not. */
#pragma once

#include <stdlib.h>
#if !defined(__wasi__)
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>
#endif

/* Memory that ends at an inaccessible page. */
typedef struct {
    char *mapping;
    size_t mapped;
    void *data;
} guarded;

#if defined(__wasi__)
static inline guarded guard(size_t size) {
    guarded memory = {.mapped = (size + 64) / 64 * 64};
    memory.mapping = aligned_alloc(64, memory.mapped);
    if (memory.mapping == NULL) abort();
    memory.data = memory.mapping;
    return memory;
}

static inline void make_constant(const guarded *memory) {
    (void)memory;
}

static inline void unguard(guarded *memory) {
    free(memory->mapping);
}
#else
static inline guarded guard(size_t size) {
    const size_t page = (size_t)sysconf(_SC_PAGESIZE), inside = (size + page - 1) / page * page;
    guarded memory = {.mapped = inside + page};
    const int zeros = open("/dev/zero", O_RDWR);
    memory.mapping = mmap(NULL, memory.mapped, PROT_READ | PROT_WRITE, MAP_PRIVATE, zeros, 0);
    if (memory.mapping == MAP_FAILED || mprotect(memory.mapping + inside, page, PROT_NONE) != 0)
        abort();
    close(zeros);
    memory.data = memory.mapping + inside - size;
    return memory;
}

/* Makes writing fatal. */
static inline void make_constant(const guarded *memory) {
    mprotect(memory->mapping, memory->mapped - (size_t)sysconf(_SC_PAGESIZE), PROT_READ);
}

static inline void unguard(guarded *memory) {
    munmap(memory->mapping, memory->mapped);
}
#endif
