/* container.h - .tagnode files: a model and its heads in one file. Little-endian: the bytes
 * TAGMODL2; uint32, the CRC-32 of all that follows; uint32, the number of chunks; and for each of
 * them four bytes, its name, uint32, the size of its payload, and that, padded with zeros to a
 * multiple of 16. A text is uint16, its length in bytes, and UTF-8.
 *
 *     CARD  name; uint32 sample_rate, frame, fft, hop, bands, window, mel_scale, mel_triangles,
 *           mel_norm, spectrum, exponent, log, framing, patch_norm (numbers as in tagnode.h);
 *           float64 log_parameter, fmin, fmax, patch_range; uint32 patch_frames; uint32 outputs,
 *           and the size of each; uint32 labels, and their texts: those of output 0; uint32
 *           silence_before, 0 or 1
 *     TFLT  the .tflite file
 *     HEAD  name; uint32 output, whose head it is; uint32 labels, and their texts; the .head file.
 *           None, one or several.
 *
 * CARD and TFLT occur once. Chunks of other names are skipped. */
#pragma once

#include "tagnode.h"

enum {
    TAGPLUG_NO_LABEL = 0xFFFF,
    TAGPLUG_MOST_LABELS = 4096,    /* of a model and its heads */
    TAGPLUG_MODEL_MOST = 64 << 20, /* bytes of a file */
    TAGPLUG_NAME_MOST = 256        /* bytes of a label's name with its 0 */
};

typedef struct {
    char *head; /* NULL: of the model itself */
    char *text;
    uint32_t source; /* its source id; 0: none is left */
} tagplug_label;

/* A model that has been read; immutable, shared by all instances of the process. */
typedef struct tagplug_model {
    tagnode_model *model;
    tagnode_card card;
    char *name;
    tagplug_label *labels; /* in the order of a descriptor frame's values */
    uint32_t label_count;
    uint16_t label_of[TAGNODE_PLUGIN_SOURCE_MAX + 1]; /* by source id, or TAGPLUG_NO_LABEL */
    tagnode_placed_head heads[TAGNODE_MAX_HEADS];
    uint32_t head_count;
    /* The list of models that models.c keeps: */
    uint32_t references;
    char *path;
    struct tagplug_model *following;
} tagplug_model;

/* Reads a container; every offset and size in it is checked. `bytes` is not kept. [main]
 * Returns OK, ERROR_MODEL, ERROR_UNSUPPORTED, ERROR_MEMORY. */
tagnode_status tagplug_model_read(const void *bytes, size_t size, tagplug_model **model,
                                  tagnode_message *why);
void tagplug_model_free(tagplug_model *model); /* NULL is fine */

/* Writes "tag.speech" or "head.mood.happy". */
void tagplug_label_name(const tagplug_label *label, char *name, size_t size);

/* Its number, or UINT32_MAX. */
uint32_t tagplug_find_label(const tagplug_model *model, const char *name);
