/* select.c - selects the kernels' table for this machine. */
#include "kernels/kernels.h"
#include "support/machine.h"

#include <stdlib.h>
#include <string.h>

extern const kernels_table tagnode_kernels_portable;
#if defined(TAGNODE_HAVE_X86)
extern const kernels_table tagnode_kernels_avx2, tagnode_kernels_avxvnni,
    tagnode_kernels_avx512vnni;
#elif defined(TAGNODE_HAVE_ARM64)
extern const kernels_table tagnode_kernels_neon, tagnode_kernels_neondot;
#elif defined(TAGNODE_HAVE_SIMD128)
extern const kernels_table tagnode_kernels_simd128;
#endif

/* From the slowest to the fastest. */
static const kernels_table *const every[] = {
    &tagnode_kernels_portable,
#if defined(TAGNODE_HAVE_X86)
    &tagnode_kernels_avx2,
    &tagnode_kernels_avxvnni,
    &tagnode_kernels_avx512vnni,
#elif defined(TAGNODE_HAVE_ARM64)
    &tagnode_kernels_neon,
    &tagnode_kernels_neondot,
#elif defined(TAGNODE_HAVE_SIMD128)
    &tagnode_kernels_simd128,
#endif
};
enum { TABLES = sizeof every / sizeof every[0] };

static bool machine_runs(const kernels_table *table) {
#if defined(TAGNODE_HAVE_X86)
    if (table == &tagnode_kernels_avx512vnni) return machine_has(MACHINE_AVX512_VNNI);
    if (table == &tagnode_kernels_avxvnni) return machine_has(MACHINE_AVX_VNNI);
    if (table == &tagnode_kernels_avx2) return machine_has(MACHINE_AVX2);
#elif defined(TAGNODE_HAVE_ARM64)
    if (table == &tagnode_kernels_neondot) return machine_has(MACHINE_DOT_PRODUCT);
    if (table == &tagnode_kernels_neon) return true;
#elif defined(TAGNODE_HAVE_SIMD128)
    if (table == &tagnode_kernels_simd128) return true;
#endif
    return table == &tagnode_kernels_portable;
}

/* Returns whether TAGNODE_ISA names the table; the front-end only knows "avx512". */
static bool means(const char *isa, const kernels_table *table) {
    if (strcmp(isa, "avx512") == 0) return strcmp(table->name, "avx512vnni") == 0;
    return strcmp(isa, table->name) == 0;
}

const kernels_table *kernels_select(void) {
    const char *forced = getenv("TAGNODE_ISA");
    for (int i = 0; forced != NULL && i < TABLES; ++i)
        if (means(forced, every[i]) && machine_runs(every[i])) return every[i];
    for (int i = TABLES - 1; i > 0; --i)
        if (machine_runs(every[i])) return every[i];
    return every[0];
}

const kernels_table *kernels_at(uint32_t index) {
    for (int i = 0; i < TABLES; ++i)
        if (machine_runs(every[i]) && index-- == 0) return every[i];
    return NULL;
}

const char *tagnode_model_instruction_set(void) {
    return kernels_select()->name;
}
