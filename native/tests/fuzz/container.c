/* container.c - fuzzes the reader of the plugin's .tagnode files; a node processes audio with the
 * model and the heads that it accepts. The checksum is corrected first: otherwise every change
 * would be refused. */
#include "core/models.h"

#include "playing.h"

enum { MAGIC = 8, BEFORE = 12 };

/* CRC-32 bit by bit, as in ISO 3309. */
static void seal(unsigned char *bytes, size_t size) {
    uint32_t crc = 0xffffffffU;
    for (size_t i = BEFORE; i < size; ++i) {
        crc ^= bytes[i];
        for (int bit = 0; bit < 8; ++bit) crc = crc & 1 ? crc >> 1 ^ 0xedb88320U : crc >> 1;
    }
    for (size_t i = 0; i < 4; ++i) bytes[MAGIC + i] = (unsigned char)(~crc >> 8 * i);
}

static void check_labels(const tagplug_model *model) {
    PROMISE(model->name != NULL && model->name[0] != '\0');
    PROMISE(model->label_count >= 1 && model->label_count <= TAGPLUG_MOST_LABELS);
    PROMISE(model->head_count <= TAGNODE_MAX_HEADS);
    uint32_t values = model->card.output_size[0];
    for (uint32_t i = 0; i < model->head_count; ++i)
        values += tagnode_head_outputs(model->heads[i].head);
    PROMISE(values == model->label_count); /* a frame has one for each */
    for (uint32_t i = 0; i < model->label_count; ++i) {
        const tagplug_label *label = &model->labels[i];
        char name[TAGPLUG_NAME_MOST];
        tagplug_label_name(label, name, sizeof name);
        PROMISE(label->text[0] != '\0' && strlen(name) > 0);
        PROMISE((label->head != NULL) == (i >= model->card.output_size[0]));
        PROMISE(label->source <= TAGNODE_PLUGIN_SOURCE_MAX);
        PROMISE(label->source == 0 || model->label_of[label->source] == i);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    const exact copy = copy_exactly(data, size);
    if (size >= BEFORE) seal(copy.bytes, size);
    tagplug_model *model = NULL;
    tagnode_message why = {""};
    const tagnode_status status = tagplug_model_read(copy.bytes, size, &model, &why);
    free(copy.memory); /* it is not kept */
    PROMISE((status == TAGNODE_OK) == (model != NULL));
    if (model == NULL) {
        check_sentence(&why);
        return 0;
    }
    check_labels(model);
    const tagnode_parts parts = {.models = &model->model,
                                 .model_count = 1,
                                 .heads = model->heads,
                                 .head_count = model->head_count};
    const tagnode_setup setup = {.sample_rate = 44100, .channels = 2, .hop = 0.1, .embedding = -1};
    if (is_small(&model->model->graph)) play(&parts, setup);
    tagplug_model_free(model);
    return 0;
}
