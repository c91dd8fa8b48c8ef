#include "frontend/dsp.h"

#include <stdlib.h>
#include <string.h>

#include "support/machine.h"

extern const tagnode_dsp tagnode_dsp_portable;
#if defined(TAGNODE_HAVE_X86)
extern const tagnode_dsp tagnode_dsp_avx2, tagnode_dsp_avx512;
#endif

static bool machine_runs(const tagnode_dsp *dsp) {
#if defined(TAGNODE_HAVE_X86)
    if (dsp == &tagnode_dsp_avx512) return machine_has(MACHINE_AVX512);
    if (dsp == &tagnode_dsp_avx2) return machine_has(MACHINE_AVX2);
#endif
    return dsp == &tagnode_dsp_portable;
}

const tagnode_dsp *tagnode_dsp_select(void) {
    static const tagnode_dsp *const tables[] = {
#if defined(TAGNODE_HAVE_X86)
        &tagnode_dsp_avx512, &tagnode_dsp_avx2,
#endif
        &tagnode_dsp_portable};
    const size_t count = sizeof tables / sizeof tables[0];
    const char *forced = getenv("TAGNODE_ISA");
    for (size_t i = 0; forced != NULL && i < count; ++i)
        if (strcmp(forced, tables[i]->name) == 0 && machine_runs(tables[i])) return tables[i];
    for (size_t i = 0; i < count; ++i)
        if (machine_runs(tables[i])) return tables[i];
    return &tagnode_dsp_portable;
}

const char *tagnode_frontend_instruction_set(void) {
    return tagnode_dsp_select()->name;
}
