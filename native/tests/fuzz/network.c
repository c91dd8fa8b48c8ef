/* network.c - fuzzes whole models: a .tflite file and, in the last 20 bytes, a card and a setup. A
 * node processes audio with what is accepted. */
#include "playing.h"
#include "tagger/ops.h"

enum { SETTINGS = 20 };

/* The bytes of the settings. */
enum {
    FLAGS,
    HOP,
    MODEL_RATE,
    NODE_RATE,
    FRONTEND, /* window, norm, spectrum, triangles, framing: a bit each; scale and exponent */
    LOG,      /* kind and parameter */
    PATCH_NORM,
    RANGE,
    FFT,
    FRAME,
    MEL_HOP,
    BANDS,
    PATCH,
    OUTPUTS,
    EMBEDDING,
    SIZES
};
enum { CARD_FROM_GRAPH = 1, SILENCE_BEFORE = 2, STEREO = 4, WHOLE_WINDOWS = 8 };

static tagnode_card card_of(const uint8_t *settings) {
    static const uint32_t rates[] = {8000, 11025, 16000, 22050, 44100, 48000};
    static const double parameters[] = {10000, 1, 0.01, 1e-10, 1e-30, 0, -1};
    const uint32_t kind = settings[FRONTEND];
    tagnode_card card = {.frontend = {.sample_rate = rates[settings[MODEL_RATE] % 6],
                                      .fft = 256U << settings[FFT] % 4,
                                      .bands = settings[BANDS],
                                      .window = (tagnode_window)(kind & 1),
                                      .mel_norm = (tagnode_mel_norm)(kind >> 1 & 1),
                                      .spectrum = (tagnode_spectrum)(kind >> 2 & 1),
                                      .mel_triangles = (tagnode_mel_triangles)(kind >> 3 & 1),
                                      .framing = (tagnode_framing)(kind >> 4 & 1),
                                      .mel_scale = (tagnode_mel_scale)((kind >> 5) % 3),
                                      .exponent = (tagnode_exponent)((kind >> 5) / 3 % 3),
                                      .log = (tagnode_log)(settings[LOG] % 6),
                                      .log_parameter = parameters[settings[LOG] / 6 % 7]},
                         .patch_norm =
                             (tagnode_patch_norm)(settings[PATCH_NORM] % 6), /* 5 is none of them */
                         .patch_range = settings[RANGE] / 2.0,
                         .patch_frames = settings[PATCH],
                         .outputs = settings[OUTPUTS],
                         .silence_before = settings[FLAGS] & SILENCE_BEFORE};
    card.frontend.fmax = card.frontend.sample_rate / 2.0;
    card.frontend.frame = card.frontend.fft * (settings[FRAME] + 1) / 256;
    card.frontend.hop = card.frontend.frame * (settings[MEL_HOP] + 1) / 256;
    for (uint32_t i = 0; i < TAGNODE_MAX_OUTPUTS; ++i)
        card.output_size[i] = settings[SIZES + i % (SETTINGS - SIZES)];
    return card;
}

/* Most cards do not describe their model: those of the graph's shapes do. */
static void describe(const tagger_graph *graph, tagnode_card *card) {
    const tagger_tensor *input = &graph->tensor[graph->input];
    const uint32_t rows = tagger_rows(input);
    card->patch_frames = rows;
    card->frontend.bands = rows > 0 ? (uint32_t)(input->elements / rows) : 0;
    card->outputs = graph->outputs;
    for (uint32_t i = 0; i < graph->outputs; ++i)
        card->output_size[i] = (uint32_t)graph->tensor[graph->output[i]].elements;
}

static tagnode_setup setup_of(const uint8_t *settings, const tagnode_card *card) {
    static const uint32_t rates[] = {8000, 11025, 16000, 44100, 48000, 192000};
    const uint32_t hop = 1 + settings[HOP] % 40;
    return (tagnode_setup){.sample_rate = rates[settings[NODE_RATE] % 6],
                           .channels = settings[FLAGS] & STEREO ? 2 : 1,
                           .hop = (double)hop * card->frontend.hop / card->frontend.sample_rate,
                           .compute_latency = settings[HOP] % 3 == 0 ? -1 : 0,
                           .embedding = settings[EMBEDDING] % (TAGNODE_MAX_OUTPUTS + 1) - 1,
                           .whole_windows = settings[FLAGS] & WHOLE_WINDOWS};
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size < SETTINGS) return 0;
    const uint8_t *settings = data + size - SETTINGS;
    const exact copy = copy_exactly(data, size - SETTINGS);
    tagnode_card card = card_of(settings);
    tagger_graph graph;
    tagnode_message why = {""};
    bool small = false;
    if (tagger_graph_read(copy.bytes, size - SETTINGS, &graph, NULL) == TAGNODE_OK) {
        small = is_small(&graph);
        if (settings[FLAGS] & CARD_FROM_GRAPH) describe(&graph, &card);
        tagger_graph_free(&graph);
    }
    tagnode_model *model = NULL;
    const tagnode_status status =
        tagnode_model_load_inline(copy.bytes, size - SETTINGS, &card, &model, &why);
    free(copy.memory); /* it is copied */
    PROMISE((status == TAGNODE_OK) == (model != NULL));
    if (model == NULL) {
        check_sentence(&why);
        return 0;
    }
    const tagnode_parts parts = {.models = &model, .model_count = 1};
    if (small) play(&parts, setup_of(settings, &card));
    tagnode_model_release(model);
    return 0;
}
