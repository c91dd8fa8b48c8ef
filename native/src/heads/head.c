/* head.c - reads .head files, checks them and rearranges their arrays for the arithmetic. */
#include "heads/head.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "support/floatenv.h"
#include "support/message.h"

enum { SILENCE_BEFORE = 256 }; /* added to the number of stages */
enum { MOST_WIDTH = 65536, MOST_VECTORS = 1 << 20, MOST_DEGREE = 16, ALIGNMENT = 16 };

typedef struct {
    const unsigned char *at;
    size_t left;
    tagnode_message *why;
} reader;

/* ---- reading ---- */

static bool read_words(reader *from, uint32_t *words, size_t count) {
    if (from->left / 4 < count) return false;
    for (size_t i = 0; i < count; ++i, from->at += 4)
        words[i] = (uint32_t)from->at[0] | (uint32_t)from->at[1] << 8 |
                   (uint32_t)from->at[2] << 16 | (uint32_t)from->at[3] << 24;
    from->left -= 4 * count;
    return true;
}

static tagnode_status damaged(const reader *from, const char *what) {
    (void)tagnode_report(from->why, TAGNODE_ERROR_MODEL,
                         "The head is damaged: %s; download the file again, or retrain it.", what);
    return TAGNODE_ERROR_MODEL;
}

/* Allocates `size` floats, at least `count`, and reads `count` of them. Products of sizes from the
 * file need 64 bits until they are known to be within it, where size_t has 32. */
static tagnode_status read_floats(reader *from, uint64_t count, size_t size, float **out) {
    if (from->left / 4 < count) return damaged(from, "it ends within a stage");
    float *made = calloc(size, sizeof *made);
    *out = made;
    if (made == NULL) return tagnode_no_memory(from->why, "a head");
    for (size_t i = 0; i < count; ++i) {
        uint32_t word = 0;
        (void)read_words(from, &word, 1);
        memcpy(made + i, &word, sizeof word);
        if (!isfinite(made[i])) return damaged(from, "one of its values is not finite");
    }
    return TAGNODE_OK;
}

/* Rearranges (rows, columns) into panels of `lanes` rows, in which the values of a row are `lanes`
 * apart; missing rows are 0. */
static tagnode_status into_panels(reader *from, float **array, size_t rows, size_t columns,
                                  size_t lanes) {
    const size_t panels = (rows + lanes - 1) / lanes;
    float *made = calloc(panels * lanes * columns, sizeof *made);
    if (made == NULL) return tagnode_no_memory(from->why, "a head");
    for (size_t row = 0; row < rows; ++row)
        for (size_t column = 0; column < columns; ++column)
            made[(row / lanes * columns + column) * lanes + row % lanes] =
                (*array)[row * columns + column];
    free(*array);
    *array = made;
    return TAGNODE_OK;
}

/* ---- the stages ---- */

static tagnode_status read_pair(reader *from, head_stage *stage) {
    tagnode_status status = read_floats(from, stage->inputs, stage->inputs, &stage->first);
    if (status == TAGNODE_OK)
        status = read_floats(from, stage->inputs, stage->inputs, &stage->second);
    return status;
}

static tagnode_status read_quantile(reader *from, head_stage *stage) {
    const size_t ranked = stage->inputs - stage->flags;
    const uint64_t count = (uint64_t)stage->rows * ranked;
    if (stage->rows < 2) return damaged(from, "a stage has fewer than 2 quantiles");
    tagnode_status status = read_floats(from, count, (size_t)count, &stage->first);
    if (status != TAGNODE_OK) return status;
    for (size_t i = ranked; i < count; ++i)
        if (stage->first[i] < stage->first[i - ranked])
            return damaged(from, "its quantiles are not ascending");
    /* Each input's quantiles become contiguous: the panels of a transposed array. */
    return into_panels(from, &stage->first, stage->rows, ranked, stage->rows);
}

static tagnode_status read_dense(reader *from, head_stage *stage) {
    const uint64_t count = (uint64_t)stage->outputs * stage->inputs;
    const size_t padded = ((size_t)stage->outputs + HEAD_PANEL - 1) / HEAD_PANEL * HEAD_PANEL;
    if (stage->flags >= HEAD_ACTIVATIONS) return damaged(from, "it has an unknown activation");
    tagnode_status status = read_floats(from, count, (size_t)count, &stage->first);
    if (status == TAGNODE_OK) status = read_floats(from, stage->outputs, padded, &stage->second);
    if (status != TAGNODE_OK) return status;
    return into_panels(from, &stage->first, stage->outputs, stage->inputs, HEAD_PANEL);
}

static bool read_double(reader *from, double *number) {
    uint32_t words[2];
    if (!read_words(from, words, 2)) return false;
    const uint64_t bits = (uint64_t)words[1] << 32 | words[0];
    memcpy(number, &bits, sizeof bits);
    return isfinite(*number);
}

/* A vector's coefficients become contiguous. */
static tagnode_status read_coefficients(reader *from, head_stage *stage) {
    const size_t outputs = stage->outputs, count = outputs * stage->rows;
    if (from->left / 8 < (uint64_t)stage->outputs * ((uint64_t)stage->rows + 1))
        return damaged(from, "it ends within a stage");
    stage->coefficients = calloc(count, sizeof(double));
    stage->intercepts = calloc(outputs, sizeof(double));
    if (stage->coefficients == NULL || stage->intercepts == NULL)
        return tagnode_no_memory(from->why, "a head");
    bool finite = true;
    for (size_t i = 0; i < count; ++i)
        finite &=
            read_double(from, stage->coefficients + i % stage->rows * outputs + i / stage->rows);
    for (size_t i = 0; i < outputs; ++i) finite &= read_double(from, stage->intercepts + i);
    return finite ? TAGNODE_OK : damaged(from, "one of its values is not finite");
}

static tagnode_status read_kernel(reader *from, head_stage *stage) {
    uint32_t words[2]; /* outputs, degree */
    if (stage->flags >= HEAD_KERNELS) return damaged(from, "it has an unknown kernel");
    if (!read_words(from, words, 2) || !read_double(from, &stage->gamma) ||
        !read_double(from, &stage->coef0))
        return damaged(from, "a setting of its kernel is missing or not finite");
    stage->outputs = words[0];
    stage->degree = words[1];
    if (stage->outputs < 1 || stage->outputs > MOST_WIDTH || stage->degree > MOST_DEGREE ||
        stage->gamma < 0)
        return damaged(from, "a setting of its kernel is out of range");
    const uint64_t vectors = (uint64_t)stage->rows * stage->inputs;
    tagnode_status status = read_floats(from, vectors, (size_t)vectors, &stage->first);
    if (status == TAGNODE_OK)
        status = into_panels(from, &stage->first, stage->rows, stage->inputs, HEAD_LANES);
    return status == TAGNODE_OK ? read_coefficients(from, stage) : status;
}

static tagnode_status read_stage(reader *from, tagnode_head *head) {
    head_stage *stage = &head->stage[head->stages];
    uint32_t words[4]; /* kind, rows, columns, flags */
    if (!read_words(from, words, 4)) return damaged(from, "it ends before its last stage");
    const uint32_t kind = words[0], rows = words[1], columns = words[2];
    if (kind < HEAD_AFFINE || kind > HEAD_SIGMOIDS) return damaged(from, "it has an unknown stage");
    const bool square = kind == HEAD_AFFINE || kind == HEAD_SIGMOIDS;
    if (columns < 1 || columns > MOST_WIDTH || rows < 1 || rows > MOST_VECTORS ||
        (kind == HEAD_DENSE && rows > MOST_WIDTH) || (square && rows != 1) ||
        (kind == HEAD_SIGMOIDS && words[3] > 1) || (kind == HEAD_AFFINE && words[3] != 0) ||
        (kind == HEAD_QUANTILE && words[3] >= columns))
        return damaged(from, "the size of a stage is out of range");
    if (head->stages > 0 && columns != head->stage[head->stages - 1].outputs)
        return damaged(from, "a stage does not match the size of the one before it");
    *stage = (head_stage){.kind = (head_kind)kind,
                          .inputs = columns,
                          .outputs = kind == HEAD_DENSE ? rows : columns,
                          .rows = rows,
                          .flags = words[3]};
    ++head->stages; /* from here on, its arrays are freed with the head */
    switch (stage->kind) {
    case HEAD_QUANTILE: return read_quantile(from, stage);
    case HEAD_DENSE: return read_dense(from, stage);
    case HEAD_KERNEL: return read_kernel(from, stage);
    default: return read_pair(from, stage);
    }
}

/* ---- the file ---- */

/* Skips the magic and the card, which is for people and for Python. */
static tagnode_status skip_card(reader *from) {
    static const char MAGIC[8] = {'T', 'A', 'G', 'H', 'E', 'A', 'D', '1'};
    uint32_t length = 0;
    if (from->left < sizeof MAGIC || memcmp(from->at, MAGIC, sizeof MAGIC) != 0)
        return tagnode_report(from->why, TAGNODE_ERROR_MODEL,
                              "This is not a .head file: it does not begin with TAGHEAD1.");
    from->at += sizeof MAGIC;
    from->left -= sizeof MAGIC;
    if (!read_words(from, &length, 1) || length > from->left)
        return damaged(from, "it ends within its card");
    const size_t before = sizeof MAGIC + sizeof length + length;
    const size_t padding = (ALIGNMENT - before % ALIGNMENT) % ALIGNMENT;
    if (padding > from->left - length) return damaged(from, "it ends directly after its card");
    for (size_t i = 0; i < padding; ++i)
        if (from->at[length + i] != 0)
            return damaged(from, "the padding after its card is not zero");
    from->at += length + padding;
    from->left -= length + padding;
    return TAGNODE_OK;
}

static tagnode_status read_head(reader *from, tagnode_head *head) {
    uint32_t stages = 0;
    tagnode_status status = skip_card(from);
    if (status != TAGNODE_OK) return status;
    if (!read_words(from, &stages, 1)) return damaged(from, "it ends before its first stage");
    head->silence_before = (stages & SILENCE_BEFORE) != 0;
    stages &= ~(uint32_t)SILENCE_BEFORE;
    if (stages < 1 || stages > HEAD_MAX_STAGES) return damaged(from, "it must have 1 to 16 stages");
    for (uint32_t i = 0; i < stages && status == TAGNODE_OK; ++i) status = read_stage(from, head);
    if (status != TAGNODE_OK) return status;
    if (from->left > 0) return damaged(from, "there are bytes after its last stage");
    head->inputs = head->widest = head->stage[0].inputs;
    head->outputs = head->stage[stages - 1].outputs;
    for (uint32_t i = 0; i < stages; ++i)
        if (head->stage[i].outputs > head->widest) head->widest = head->stage[i].outputs;
    return TAGNODE_OK;
}

tagnode_status tagnode_head_load(const void *bytes, size_t size, tagnode_head **out,
                                 tagnode_message *why) {
    *out = NULL;
    if (bytes == NULL) return tagnode_refuse(why, "The head file is NULL; pass its bytes.");
    tagnode_head *head = calloc(1, sizeof *head);
    if (head == NULL) return tagnode_no_memory(why, "a head");
    atomic_store(&head->references, 1);
    reader from = {.at = bytes, .left = size, .why = why};
    const tagnode_status status = read_head(&from, head);
    if (status != TAGNODE_OK) {
        tagnode_head_release(head);
        return status;
    }
    *out = head;
    return TAGNODE_OK;
}

void tagnode_head_retain(tagnode_head *head) {
    atomic_fetch_add(&head->references, 1);
}

void tagnode_head_release(tagnode_head *head) {
    if (head == NULL || atomic_fetch_sub(&head->references, 1) != 1) return;
    for (uint32_t i = 0; i < head->stages; ++i) {
        free(head->stage[i].first);
        free(head->stage[i].second);
        free(head->stage[i].coefficients);
        free(head->stage[i].intercepts);
    }
    free(head);
}

uint32_t tagnode_head_inputs(const tagnode_head *head) {
    return head->inputs;
}

uint32_t tagnode_head_outputs(const tagnode_head *head) {
    return head->outputs;
}

tagnode_status tagnode_head_run(const tagnode_head *head, const float *embeddings, size_t count,
                                float *values, tagnode_message *why) {
    double *room = calloc(tagnode_head_room(head), sizeof *room);
    if (room == NULL) return tagnode_no_memory(why, "a head");
    const tagnode_floatenv saved = tagnode_floatenv_enter();
    for (size_t i = 0; i < count; ++i)
        tagnode_head_apply(head, embeddings + i * head->inputs, values + i * head->outputs, room);
    tagnode_floatenv_leave(saved);
    free(room);
    return TAGNODE_OK;
}
