/* container.c - reads .tagnode files and names their labels. */
#include "container.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/message.h"

enum { ALIGNED = 16 };

typedef struct {
    const unsigned char *at;
    size_t left;
} reader;

/* ---- the pieces of a container ---- */

static bool take_bytes(reader *from, size_t size, const unsigned char **bytes) {
    if (from->left < size) return false;
    *bytes = from->at;
    from->at += size;
    from->left -= size;
    return true;
}

static bool take_word(reader *from, uint32_t *word) {
    const unsigned char *b = NULL;
    if (!take_bytes(from, 4, &b)) return false;
    *word = (uint32_t)b[0] | (uint32_t)b[1] << 8 | (uint32_t)b[2] << 16 | (uint32_t)b[3] << 24;
    return true;
}

static bool take_double(reader *from, double *number) {
    uint32_t low = 0, high = 0;
    if (!take_word(from, &low) || !take_word(from, &high)) return false;
    const uint64_t bits = (uint64_t)high << 32 | low;
    memcpy(number, &bits, sizeof bits);
    return true;
}

/* Copies a text without control characters. */
static tagnode_status take_text(reader *from, char **text) {
    const unsigned char *b = NULL;
    if (!take_bytes(from, 2, &b)) return TAGNODE_ERROR_MODEL;
    const size_t length = b[0] | (size_t)b[1] << 8;
    if (length == 0 || !take_bytes(from, length, &b)) return TAGNODE_ERROR_MODEL;
    for (size_t i = 0; i < length; ++i)
        if (b[i] < 0x20 || b[i] == 0x7f) return TAGNODE_ERROR_MODEL;
    char *made = malloc(length + 1);
    if (made == NULL) return TAGNODE_ERROR_MEMORY;
    memcpy(made, b, length);
    made[length] = '\0';
    *text = made;
    return TAGNODE_OK;
}

static tagnode_status take_labels(reader *from, const char *head, tagplug_model *model,
                                  uint32_t *count) {
    if (!take_word(from, count) || *count < 1 || *count > TAGPLUG_MOST_LABELS - model->label_count)
        return TAGNODE_ERROR_MODEL;
    tagplug_label *labels =
        realloc(model->labels, ((size_t)model->label_count + *count) * sizeof *labels);
    if (labels == NULL) return TAGNODE_ERROR_MEMORY;
    model->labels = labels;
    for (uint32_t i = 0; i < *count; ++i) {
        tagplug_label *label = &labels[model->label_count];
        *label = (tagplug_label){0};
        const tagnode_status status = take_text(from, &label->text);
        if (status != TAGNODE_OK) return status;
        ++model->label_count;
        if (head == NULL) continue;
        label->head = malloc(strlen(head) + 1);
        if (label->head == NULL) return TAGNODE_ERROR_MEMORY;
        memcpy(label->head, head, strlen(head) + 1);
    }
    return TAGNODE_OK;
}

/* Takes the number of a choice, which `name_of` has to know: in C another number in an enumeration
 * is undefined behaviour. */
static bool take_choice(reader *from, const char *(*name_of)(uint32_t), uint32_t *choice) {
    return take_word(from, choice) && name_of(*choice) != NULL;
}

static bool take_front_end(reader *from, tagnode_card *card) {
    tagnode_frontend_settings *f = &card->frontend;
    uint32_t window = 0, scale = 0, triangles = 0, norm = 0, spectrum = 0, exponent = 0, log = 0;
    uint32_t framing = 0, patch_norm = 0;
    if (!take_word(from, &f->sample_rate) || !take_word(from, &f->frame) ||
        !take_word(from, &f->fft) || !take_word(from, &f->hop) || !take_word(from, &f->bands) ||
        !take_choice(from, tagnode_window_name, &window) ||
        !take_choice(from, tagnode_mel_scale_name, &scale) ||
        !take_choice(from, tagnode_mel_triangles_name, &triangles) ||
        !take_choice(from, tagnode_mel_norm_name, &norm) ||
        !take_choice(from, tagnode_spectrum_name, &spectrum) ||
        !take_choice(from, tagnode_exponent_name, &exponent) ||
        !take_choice(from, tagnode_log_name, &log) ||
        !take_choice(from, tagnode_framing_name, &framing) ||
        !take_choice(from, tagnode_patch_norm_name, &patch_norm) ||
        !take_double(from, &f->log_parameter) || !take_double(from, &f->fmin) ||
        !take_double(from, &f->fmax) || !take_double(from, &card->patch_range))
        return false;
    f->window = (tagnode_window)window;
    f->mel_scale = (tagnode_mel_scale)scale;
    f->mel_triangles = (tagnode_mel_triangles)triangles;
    f->mel_norm = (tagnode_mel_norm)norm;
    f->spectrum = (tagnode_spectrum)spectrum;
    f->exponent = (tagnode_exponent)exponent;
    f->log = (tagnode_log)log;
    f->framing = (tagnode_framing)framing;
    card->patch_norm = (tagnode_patch_norm)patch_norm;
    return true;
}

static tagnode_status read_card(reader from, tagplug_model *model) {
    tagnode_status status = take_text(&from, &model->name);
    if (status != TAGNODE_OK) return status;
    tagnode_card *card = &model->card;
    if (!take_front_end(&from, card) || !take_word(&from, &card->patch_frames) ||
        !take_word(&from, &card->outputs) || card->outputs < 1 ||
        card->outputs > TAGNODE_MAX_OUTPUTS)
        return TAGNODE_ERROR_MODEL;
    for (uint32_t i = 0; i < card->outputs; ++i)
        if (!take_word(&from, &card->output_size[i])) return TAGNODE_ERROR_MODEL;
    uint32_t count = 0;
    status = take_labels(&from, NULL, model, &count);
    if (status != TAGNODE_OK) return status;
    if (count != card->output_size[0]) return TAGNODE_ERROR_MODEL;
    uint32_t silence = 0;
    if (!take_word(&from, &silence) || silence > 1) return TAGNODE_ERROR_MODEL;
    card->silence_before = silence == 1;
    return TAGNODE_OK;
}

static tagnode_status read_head(reader from, tagplug_model *model, tagnode_message *why) {
    if (model->head_count == TAGNODE_MAX_HEADS) return TAGNODE_ERROR_MODEL;
    char *name = NULL;
    tagnode_status status = take_text(&from, &name);
    tagnode_placed_head *placed = &model->heads[model->head_count];
    *placed = (tagnode_placed_head){0};
    uint32_t count = 0;
    if (status == TAGNODE_OK && !take_word(&from, &placed->output)) status = TAGNODE_ERROR_MODEL;
    if (status == TAGNODE_OK) status = take_labels(&from, name, model, &count);
    free(name);
    if (status == TAGNODE_OK) status = tagnode_head_load(from.at, from.left, &placed->head, why);
    if (status != TAGNODE_OK) return status;
    ++model->head_count;
    const bool fits =
        placed->output < model->card.outputs &&
        tagnode_head_inputs(placed->head) == model->card.output_size[placed->output] &&
        tagnode_head_outputs(placed->head) == count;
    return fits ? TAGNODE_OK : TAGNODE_ERROR_MODEL;
}

/* ---- a container ---- */

/* CRC-32 as in zlib and PNG (ISO 3309), by a table of each byte's remainder. */
static uint32_t checksum(const unsigned char *bytes, size_t size) {
    uint32_t table[256], crc = 0xffffffffU;
    for (uint32_t i = 0; i < 256; ++i) {
        uint32_t rest = i;
        for (int bit = 0; bit < 8; ++bit) rest = rest >> 1 ^ (rest & 1 ? 0xedb88320U : 0);
        table[i] = rest;
    }
    for (size_t i = 0; i < size; ++i) crc = crc >> 8 ^ table[(crc ^ bytes[i]) & 0xff];
    return ~crc;
}

static tagnode_status damaged(tagnode_message *why, const char *what) {
    return tagnode_report(why, TAGNODE_ERROR_MODEL,
                          "The model file is damaged: %s; make it again, "
                          "with `tagnode models get` or `tagnode plugins model`.",
                          what);
}

/* Takes a chunk with its padding. */
static bool take_chunk(reader *from, const unsigned char **name, reader *payload) {
    const unsigned char *padding = NULL;
    uint32_t size = 0;
    if (!take_bytes(from, 4, name) || !take_word(from, &size) ||
        !take_bytes(from, size, &payload->at))
        return false;
    payload->left = size;
    return take_bytes(from, (ALIGNED - size % ALIGNED) % ALIGNED, &padding);
}

/* Writes why a card or a head was refused, unless `why` has a sentence already. */
static tagnode_status refused(tagnode_status status, const char *what, tagnode_message *why) {
    if (status == TAGNODE_ERROR_MEMORY)
        return tagnode_report(why, status, "No memory for a model.");
    return why->text[0] == '\0' ? damaged(why, what) : status;
}

/* Reads the card, which is first, and the heads, and finds the network. */
static tagnode_status read_chunks(reader from, uint32_t count, tagplug_model *model, reader *graph,
                                  tagnode_message *why) {
    for (uint32_t i = 0; i < count; ++i) {
        const unsigned char *name = NULL;
        reader payload = {.at = NULL};
        if (!take_chunk(&from, &name, &payload)) return damaged(why, "it ends within a chunk");
        if ((memcmp(name, "CARD", 4) == 0) != (i == 0))
            return damaged(why, "its card is not its first chunk, and only one");
        tagnode_status status = TAGNODE_OK;
        why->text[0] = '\0';
        if (i == 0) status = read_card(payload, model);
        if (status != TAGNODE_OK) return refused(status, "its card is wrong", why);
        if (memcmp(name, "HEAD", 4) == 0) status = read_head(payload, model, why);
        if (status != TAGNODE_OK) return refused(status, "a head of it is wrong", why);
        if (memcmp(name, "TFLT", 4) != 0) continue;
        if (graph->at != NULL) return damaged(why, "it has two networks");
        *graph = payload;
    }
    return graph->at != NULL ? TAGNODE_OK : damaged(why, "it has no network");
}

/* Gives each label its source id. */
static void number_labels(tagplug_model *model) {
    bool taken[TAGNODE_PLUGIN_SOURCE_MAX + 1] = {false};
    for (uint32_t id = 0; id <= TAGNODE_PLUGIN_SOURCE_MAX; ++id)
        model->label_of[id] = TAGPLUG_NO_LABEL;
    for (uint32_t i = 0; i < model->label_count; ++i) {
        char name[TAGPLUG_NAME_MOST];
        tagplug_label_name(&model->labels[i], name, sizeof name);
        model->labels[i].source = tagnode_plugin_source_take(name, taken);
        if (model->labels[i].source != 0) model->label_of[model->labels[i].source] = (uint16_t)i;
    }
}

tagnode_status tagplug_model_read(const void *bytes, size_t size, tagplug_model **model,
                                  tagnode_message *why) {
    *model = NULL;
    tagnode_message discarded;
    if (why == NULL) why = &discarded;
    reader from = {bytes, size}, graph = {.at = NULL};
    const unsigned char *magic = NULL;
    uint32_t sum = 0, count = 0;
    if (!take_bytes(&from, 8, &magic) || memcmp(magic, "TAGMODL2", 8) != 0)
        return damaged(why, "it does not begin with TAGMODL2");
    if (!take_word(&from, &sum) || sum != checksum(from.at, from.left))
        return damaged(why, "its checksum is wrong");
    if (!take_word(&from, &count) || count < 1) return damaged(why, "it is empty");
    tagplug_model *made = calloc(1, sizeof *made);
    if (made == NULL) return tagnode_no_memory(why, "a model");
    tagnode_status status = read_chunks(from, count, made, &graph, why);
    if (status == TAGNODE_OK)
        status = tagnode_model_load_inline(graph.at, graph.left, &made->card, &made->model, why);
    if (status != TAGNODE_OK) {
        tagplug_model_free(made);
        return status;
    }
    number_labels(made);
    *model = made;
    return TAGNODE_OK;
}

void tagplug_model_free(tagplug_model *model) {
    if (model == NULL) return;
    tagnode_model_release(model->model);
    for (uint32_t i = 0; i < model->head_count; ++i) tagnode_head_release(model->heads[i].head);
    for (uint32_t i = 0; i < model->label_count; ++i) {
        free(model->labels[i].head);
        free(model->labels[i].text);
    }
    free(model->labels);
    free(model->name);
    free(model->path);
    free(model);
}

/* ---- names ---- */

/* As pyplugin/support/spelling.py: lower case, - for anything else, none at the ends. */
static size_t add_slug(char *name, size_t length, size_t size, const char *text) {
    bool gap = false;
    const size_t begin = length;
    for (const char *c = text; *c != '\0'; ++c) {
        const bool upper = *c >= 'A' && *c <= 'Z';
        if (!upper && !(*c >= 'a' && *c <= 'z') && !(*c >= '0' && *c <= '9')) {
            gap = true;
            continue;
        }
        if (gap && length > begin && length + 1 < size) name[length++] = '-';
        gap = false;
        if (length + 1 < size) name[length++] = (char)(upper ? *c - 'A' + 'a' : *c);
    }
    name[length] = '\0';
    return length;
}

void tagplug_label_name(const tagplug_label *label, char *name, size_t size) {
    int length;
    if (label->head == NULL)
        length = snprintf(name, size, "tag.");
    else
        length = snprintf(name, size, "head.%.100s.", label->head);
    if (length > 0 && (size_t)length < size)
        (void)add_slug(name, (size_t)length, size, label->text);
}

uint32_t tagplug_find_label(const tagplug_model *model, const char *name) {
    for (uint32_t i = 0; i < model->label_count; ++i) {
        char own[TAGPLUG_NAME_MOST];
        tagplug_label_name(&model->labels[i], own, sizeof own);
        if (strcmp(own, name) == 0) return i;
    }
    return UINT32_MAX;
}
