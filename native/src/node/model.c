#include "node/model.h"

#include <stdlib.h>
#include <string.h>

#include "support/message.h"
#include "tagger/sliced.h"
#include "worker/engines.h"

static tagnode_status check_card(const tagnode_card *card, tagnode_message *why) {
    if (card->patch_frames < 1 || card->patch_frames > 4096)
        return tagnode_refuse(why, "The card's patch has %u mel frames; it must be 1 to 4096.",
                              card->patch_frames);
    if (card->outputs < 1 || card->outputs > TAGNODE_MAX_OUTPUTS)
        return tagnode_refuse(why, "The card lists %u outputs; it must be 1 to %d.", card->outputs,
                              TAGNODE_MAX_OUTPUTS);
    for (uint32_t i = 0; i < card->outputs; ++i)
        if (card->output_size[i] < 1 || card->output_size[i] > TAGNODE_MAX_SIZE)
            return tagnode_refuse(why, "Output %u of the card has %u floats; it must be 1 to %d.",
                                  i, card->output_size[i], TAGNODE_MAX_SIZE);
    const bool decibels =
        card->patch_norm == TAGNODE_PATCH_TOP_DB || card->patch_norm == TAGNODE_PATCH_RELATIVE_DB;
    if (tagnode_patch_norm_name((uint32_t)card->patch_norm) == NULL)
        return tagnode_refuse(why, "The card's patch_norm is not one of those in tagnode.h.");
    if (decibels && !(card->patch_range > 0 && card->patch_range <= 1000))
        return tagnode_refuse(
            why, "The card's patch_range is %g dB; it must be above 0 and at most 1000.",
            card->patch_range);
    tagnode_frontend *trial; /* building one checks the settings */
    const tagnode_status status =
        tagnode_frontend_create(&card->frontend, card->frontend.sample_rate, 1, &trial, why);
    tagnode_frontend_destroy(trial);
    return status;
}

static tagnode_status create(const tagnode_card *card, tagnode_model **model,
                             tagnode_message *why) {
    *model = NULL;
    const tagnode_status status = check_card(card, why);
    if (status != TAGNODE_OK) return status;
    tagnode_model *made = calloc(1, sizeof *made);
    if (made == NULL || pthread_mutex_init(&made->interpreter_lock, NULL) != 0) {
        free(made);
        return tagnode_no_memory(why, "a model");
    }
    atomic_store(&made->references, 1);
    made->card = *card;
    *model = made;
    return TAGNODE_OK;
}

static void *duplicate(const void *bytes, size_t size) {
    void *copy = malloc(size == 0 ? 1 : size);
    return copy == NULL ? NULL : memcpy(copy, bytes, size);
}

typedef enum { LITERT, ONNX, INLINE } runtime;

/* `library` is that of the runtime, or NULL. */
static tagnode_status load(const char *library, runtime runs, const void *bytes, size_t size,
                           const tagnode_card *card, tagnode_model **model, tagnode_message *why) {
    *model = NULL;
    if (bytes == NULL) return tagnode_refuse(why, "The model file is NULL; pass its bytes.");
    tagnode_status status = create(card, model, why);
    if (status != TAGNODE_OK) return status;
    tagnode_model *made = *model;
    made->bytes = duplicate(bytes, size);
    made->size = size;
    made->library = library == NULL ? NULL : duplicate(library, strlen(library) + 1);
    if (made->bytes == NULL || (library != NULL && made->library == NULL))
        status = tagnode_no_memory(why, "a model");
    if (status == TAGNODE_OK && runs == INLINE)
        status = tagger_graph_read(made->bytes, size, &made->graph, why);
    made->sliced = runs == INLINE && status == TAGNODE_OK;
    made->onnx = runs == ONNX;
    tagnode_engine *engine = NULL; /* fail now rather than in prepare */
    if (status == TAGNODE_OK) status = tagnode_model_open(made, &engine, why);
    if (engine != NULL) engine->close(engine);
    if (status != TAGNODE_OK) {
        tagnode_model_release(made);
        *model = NULL;
    }
    return status;
}

tagnode_status tagnode_model_load_litert(const char *library, const void *bytes, size_t size,
                                         const tagnode_card *card, tagnode_model **model,
                                         tagnode_message *why) {
    return load(library, LITERT, bytes, size, card, model, why);
}

tagnode_status tagnode_model_load_onnx(const char *library, const void *bytes, size_t size,
                                       const tagnode_card *card, tagnode_model **model,
                                       tagnode_message *why) {
    return load(library, ONNX, bytes, size, card, model, why);
}

tagnode_status tagnode_model_load_inline(const void *bytes, size_t size, const tagnode_card *card,
                                         tagnode_model **model, tagnode_message *why) {
    return load(NULL, INLINE, bytes, size, card, model, why);
}

tagnode_status tagnode_model_run(tagnode_model *model, const float *patch, float *const *outputs,
                                 tagnode_message *why) {
    tagnode_engine *engine = NULL;
    tagnode_status status = tagnode_model_open(model, &engine, why);
    if (status != TAGNODE_OK) return status;
    status = engine->run(engine, patch, outputs);
    if (status != TAGNODE_OK) (void)tagnode_report(why, status, "The model failed on this patch.");
    engine->close(engine);
    return status;
}

tagnode_status tagnode_model_from_interpreter(const tagnode_interpreter *interpreter,
                                              const tagnode_card *card, tagnode_model **model,
                                              tagnode_message *why) {
    *model = NULL;
    bool whole = interpreter->invoke != NULL && interpreter->input != NULL;
    for (uint32_t i = 0; i < card->outputs && i < TAGNODE_MAX_OUTPUTS; ++i)
        whole = whole && interpreter->output[i] != NULL;
    if (!whole)
        return tagnode_refuse(
            why, "The interpreter has no invoke function, input or output; set all of them.");
    const tagnode_status status = create(card, model, why);
    if (status == TAGNODE_OK) (*model)->interpreter = *interpreter;
    return status;
}

void tagnode_model_retain(tagnode_model *model) {
    atomic_fetch_add(&model->references, 1);
}

void tagnode_model_release(tagnode_model *model) {
    if (model == NULL || atomic_fetch_sub(&model->references, 1) != 1) return;
    pthread_mutex_destroy(&model->interpreter_lock);
    if (model->sliced) tagger_graph_free(&model->graph);
    free(model->library);
    free(model->bytes);
    free(model);
}

tagnode_status tagnode_model_open(tagnode_model *model, tagnode_engine **engine,
                                  tagnode_message *why) {
    if (model->sliced) return tagnode_engine_open_inline(&model->graph, &model->card, engine, why);
    if (model->bytes == NULL)
        return tagnode_engine_open_interpreter(&model->interpreter, &model->card,
                                               &model->interpreter_lock, engine, why);
    return (model->onnx ? tagnode_engine_open_onnx : tagnode_engine_open_litert)(
        model->library, model->bytes, model->size, &model->card, engine, why);
}
