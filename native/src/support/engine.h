/* engine.h - one compiled instance of a model: the interface that each runtime implements, and that
 * the worker thread runs. */
#pragma once

#include "tagnode.h"

typedef struct tagnode_engine tagnode_engine;

struct tagnode_engine {
    /* Normalises `patch` (patch_frames * bands floats) as its card says, runs the model, and copies
     * output i, output_size[i] floats, to outputs[i] unless that is NULL. May allocate and wait:
     * not for the audio thread. Returns OK or ERROR_RUNTIME. */
    tagnode_status (*run)(tagnode_engine *engine, const float *patch, float *const *outputs);
    void (*close)(tagnode_engine *engine);
};
