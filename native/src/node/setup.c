#include "node/setup.h"

#include "frontend/frontend.h"
#include "node/model.h"
#include "support/message.h"

tagnode_setup tagnode_setup_default(void) {
    return (tagnode_setup){
        .sample_rate = 48000,
        .channels = 2,
        .max_frames = 8192,
        .hop = 0.1,
        .compute_latency = -1,
        .embedding = -1,
        .queue = 1024,
        .signal_hop = 0.016,
        .silence_db = -60,
        .silence_hold = 2,
    };
}

static tagnode_status check_setup(const tagnode_setup *s, tagnode_message *why) {
    const tagnode_status input = tagnode_frontend_check_input(s->sample_rate, s->channels, why);
    if (input != TAGNODE_OK) return input;
    if (s->max_frames < 1 || s->max_frames > TAGNODE_MAX_BLOCK)
        return tagnode_refuse(why, "The largest block is %u samples; it must be 1 to %d.",
                              s->max_frames, TAGNODE_MAX_BLOCK);
    if (s->queue < 2 || s->queue > 65536)
        return tagnode_refuse(why, "The queue holds %u descriptor frames; it must be 2 to 65536.",
                              s->queue);
    if (s->mel_queue > 65536)
        return tagnode_refuse(why, "The queue holds %u mel frames; it must be 0 to 65536.",
                              s->mel_queue);
    if (!(s->signal_hop >= 0 && s->signal_hop <= 60))
        return tagnode_refuse(why, "The signal hop is %g s; it must be 0 (none) to 60 s.",
                              s->signal_hop);
    if (!(s->silence_db >= -120 && s->silence_db <= 0))
        return tagnode_refuse(why, "Silence is below %g dBFS; it must be -120 to 0 dBFS.",
                              s->silence_db);
    if (!(s->silence_hold >= 0 && s->silence_hold <= 3600))
        return tagnode_refuse(why, "The hold of silence is %g s; it must be 0 to 3600 s.",
                              s->silence_hold);
    return TAGNODE_OK;
}

static tagnode_status check_model(const tagnode_setup *s, const tagnode_card *card,
                                  tagnode_message *why) {
    if (!(s->hop > 0 && s->hop <= TAGNODE_MAX_HOP))
        return tagnode_refuse(why, "The hop is %g s; it must be above 0 and at most %d s.", s->hop,
                              TAGNODE_MAX_HOP);
    const bool automatic = s->compute_latency == -1;
    if (!automatic && !(s->compute_latency >= 0 && s->compute_latency <= 60))
        return tagnode_refuse(
            why, "The compute latency is %g s; it must be 0 to 60 s, or -1: automatic.",
            s->compute_latency);
    if (s->embedding < -1 || s->embedding >= (int32_t)card->outputs)
        return tagnode_refuse(
            why, "The embedding is output %d; the model has outputs 0 to %u (-1: none).",
            s->embedding, card->outputs - 1);
    return TAGNODE_OK;
}

static tagnode_status check_every(const tagnode_setup *s, uint32_t every, uint32_t index,
                                  tagnode_message *why) {
    if (every >= 1 && every * s->hop <= TAGNODE_MAX_HOP) return TAGNODE_OK;
    return tagnode_refuse(
        why,
        "Model %u has a result at every %u-th frame, %g s apart; it must be every "
        "first or a later one, and at most %d s.",
        index, every, every * s->hop, TAGNODE_MAX_HOP);
}

static tagnode_status check_head(const tagnode_parts *parts, uint32_t index, tagnode_message *why) {
    const tagnode_placed_head *placed = &parts->heads[index];
    if (placed->model >= parts->model_count)
        return tagnode_refuse(why, "Head %u is for model %u; the node has %u, counted from 0.",
                              index, placed->model, parts->model_count);
    const tagnode_card *card = &parts->models[placed->model]->card;
    if (placed->output >= card->outputs)
        return tagnode_refuse(why, "Head %u is for output %u of its model, which has 0 to %u.",
                              index, placed->output, card->outputs - 1);
    const uint32_t takes = tagnode_head_inputs(placed->head);
    if (takes != card->output_size[placed->output])
        return tagnode_refuse(why,
                              "Head %u takes %u floats; output %u of its model has %u: it was made "
                              "for another model or layer.",
                              index, takes, placed->output, card->output_size[placed->output]);
    return TAGNODE_OK;
}

tagnode_status tagnode_setup_check(const tagnode_parts *parts, const tagnode_setup *setup,
                                   tagnode_message *why) {
    if (parts->model_count > TAGNODE_MAX_MODELS)
        return tagnode_refuse(why, "There are %u models; it must be 0 to %d.", parts->model_count,
                              TAGNODE_MAX_MODELS);
    if (parts->head_count > TAGNODE_MAX_HEADS)
        return tagnode_refuse(why, "There are %u heads; it must be 0 to %d.", parts->head_count,
                              TAGNODE_MAX_HEADS);
    tagnode_setup asked = *setup;
    tagnode_status status = check_setup(&asked, why);
    for (uint32_t i = 0; i < parts->model_count && status == TAGNODE_OK; ++i) {
        status = check_model(&asked, &parts->models[i]->card, why);
        if (status == TAGNODE_OK && parts->every != NULL)
            status = check_every(setup, parts->every[i], i, why);
        asked.embedding = -1; /* only the first model's embedding is used */
    }
    for (uint32_t i = 0; i < parts->head_count && status == TAGNODE_OK; ++i)
        status = check_head(parts, i, why);
    if (status == TAGNODE_OK && parts->model_count == 0 && setup->signal_hop == 0)
        status = tagnode_refuse(why, "There is no model and the signal hop is 0: there would be no "
                                     "results; give the node a model or a signal hop.");
    return status;
}
