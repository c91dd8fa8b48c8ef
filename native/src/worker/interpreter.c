/* interpreter.c - an engine from an interpreter that was created elsewhere, which it does not own.
 * When a node is prepared again, the old engine may still run while the new one warms up: the lock
 * separates the two. */
#include "support/message.h"
#include "support/patch.h"
#include "worker/engines.h"

#include <stdlib.h>
#include <string.h>

typedef struct {
    tagnode_engine engine; /* first, so that the two share an address */
    tagnode_interpreter interpreter;
    pthread_mutex_t *lock;
    tagnode_card card;
} borrowed_engine;

static tagnode_status run_alone(const borrowed_engine *self, const float *patch,
                                float *const *outputs) {
    const tagnode_interpreter *interpreter = &self->interpreter;
    tagnode_patch_normalise(&self->card, patch, interpreter->input);
    if (interpreter->invoke(interpreter->handle) != 0) return TAGNODE_ERROR_RUNTIME;
    for (uint32_t i = 0; i < self->card.outputs; ++i)
        if (outputs[i] != NULL)
            memcpy(outputs[i], interpreter->output[i],
                   self->card.output_size[i] * sizeof *outputs[i]);
    return TAGNODE_OK;
}

static tagnode_status run(tagnode_engine *engine, const float *patch, float *const *outputs) {
    const borrowed_engine *self = (const borrowed_engine *)engine;
    pthread_mutex_lock(self->lock);
    const tagnode_status status = run_alone(self, patch, outputs);
    pthread_mutex_unlock(self->lock);
    return status;
}

static void close_engine(tagnode_engine *engine) {
    free(engine);
}

tagnode_status tagnode_engine_open_interpreter(const tagnode_interpreter *interpreter,
                                               const tagnode_card *card, pthread_mutex_t *lock,
                                               tagnode_engine **engine, tagnode_message *why) {
    *engine = NULL;
    borrowed_engine *self = calloc(1, sizeof *self);
    if (self == NULL) return tagnode_no_memory(why, "the model's engine");
    self->engine = (tagnode_engine){.run = run, .close = close_engine};
    self->interpreter = *interpreter;
    self->lock = lock;
    self->card = *card;
    *engine = &self->engine;
    return TAGNODE_OK;
}
