/* guarded.h - memory that ends where reading or writing further is fatal; in WebAssembly, which has
 * no pages to protect, it is not. */
#pragma once

#include <stdlib.h>

#if defined(_WIN32)
#define WIN32_LEAN_AND_MEAN
#include <windows.h>
#elif !defined(__wasi__)
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

static inline void guard_from_writing(guarded *memory) {
    (void)memory;
}

static inline void unguard(guarded *memory) {
    free(memory->mapping);
}
#elif defined(_WIN32)
static inline guarded guard(size_t size) {
    SYSTEM_INFO about;
    GetSystemInfo(&about);
    const size_t page = about.dwPageSize, inside = (size + page - 1) / page * page;
    guarded memory = {.mapped = inside + page};
    memory.mapping = VirtualAlloc(NULL, memory.mapped, MEM_RESERVE | MEM_COMMIT, PAGE_READWRITE);
    DWORD before;
    if (memory.mapping == NULL ||
        VirtualProtect(memory.mapping + inside, page, PAGE_NOACCESS, &before) == 0)
        abort();
    memory.data = memory.mapping + inside - size;
    return memory;
}

/* Makes writing into it fatal too. */
static inline void guard_from_writing(guarded *memory) {
    SYSTEM_INFO about;
    DWORD before;
    GetSystemInfo(&about);
    if (VirtualProtect(memory->mapping, memory->mapped - about.dwPageSize, PAGE_READONLY,
                       &before) == 0)
        abort();
}

static inline void unguard(guarded *memory) {
    (void)VirtualFree(memory->mapping, 0, MEM_RELEASE);
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

/* Makes writing into it fatal too. */
static inline void guard_from_writing(guarded *memory) {
    if (mprotect(memory->mapping, memory->mapped - (size_t)sysconf(_SC_PAGESIZE), PROT_READ) != 0)
        abort();
}

static inline void unguard(guarded *memory) {
    munmap(memory->mapping, memory->mapped);
}
#endif
