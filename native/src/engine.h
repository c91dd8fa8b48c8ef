/* engine.h - one compiled instance of a model, run by the worker thread. What a runtime must be
 * able to do. */
#ifndef TAGNODE_ENGINE_H
#define TAGNODE_ENGINE_H

#include <pthread.h>

#include "tagnode.h"

typedef struct tagnode_engine tagnode_engine;

struct tagnode_engine {
    /* Copies `patch` (patch_frames * bands floats) in, runs the model, and copies output i,
     * output_size[i] floats, to outputs[i] where that is not NULL. May allocate and wait: not for
     * the audio thread. Returns OK or ERROR_RUNTIME. */
    tagnode_status (*run)(tagnode_engine *engine, const float *patch, float *const *outputs);
    void (*close)(tagnode_engine *engine);
};

/* Opens LiteRT's C API (dlopen) on a model file. `bytes` must outlive the engine. One thread, CPU.
 * Returns OK, ERROR_MEMORY, ERROR_RUNTIME (library missing, too old, or it refused), ERROR_MODEL
 * (damaged file, or its input and outputs are not those of the card). */
tagnode_status tagnode_engine_open_litert(const char *library, const void *bytes, size_t size,
                                          const tagnode_card *card, tagnode_engine **engine,
                                          tagnode_message *why);

/* Wraps an interpreter made elsewhere, which is run under `lock`; that must outlive the engine.
 * Returns OK or ERROR_MEMORY. */
tagnode_status tagnode_engine_open_interpreter(const tagnode_interpreter *interpreter,
                                               const tagnode_card *card, pthread_mutex_t *lock,
                                               tagnode_engine **engine, tagnode_message *why);

#endif
