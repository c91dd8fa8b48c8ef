/* guarded.h - memory that ends where reading or writing further is fatal. */
#pragma once

#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

/* Memory that ends at an inaccessible page. */
typedef struct {
    char *mapping;
    size_t mapped;
    void *data;
} guarded;

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

static inline void unguard(guarded *memory) {
    munmap(memory->mapping, memory->mapped);
}
