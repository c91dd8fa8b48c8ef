/* vst3_processor.c - arrangements, and a block with its changes, events and outputs. */

#include "vst3_face.h"

VST_INTERFACE(processor)

/* ----------------------------------------------------------------------------------- setup --- */

/* 0 for arrangements that are not supported. */
static uint32_t channels_of(uint64_t speakers) {
    return speakers == VST_SPEAKERS_STEREO ? 2 : speakers == VST_SPEAKERS_MONO ? 1 : 0;
}

/* Mono, stereo, and mono to stereo; the sidechain may be any of mono, stereo and none. */
static int32_t set_arrangements(void *self, const uint64_t *inputs, int32_t input_count,
                                const uint64_t *outputs, int32_t output_count) {
    vst_face *face = face_of_processor(self);
    if (face->active || input_count < 1 || input_count > 2 || output_count != 1) return VST_FALSE;
    const uint32_t from = channels_of(inputs[0]), to = channels_of(outputs[0]);
    if (from == 0 || to < from) return VST_FALSE;
    if (input_count > 1) {
        const uint32_t sidechain = channels_of(inputs[1]);
        if (sidechain == 0 && inputs[1] != VST_SPEAKERS_NONE) return VST_FALSE;
        face->sidechain = sidechain;
    }
    face->inputs = from;
    face->channels = to;
    return VST_OK;
}

static int32_t get_arrangement(void *self, int32_t direction, int32_t index, uint64_t *speakers) {
    static const uint64_t all[] = {VST_SPEAKERS_NONE, VST_SPEAKERS_MONO, VST_SPEAKERS_STEREO};
    const vst_face *face = face_of_processor(self);
    vst_bus bus;
    const int32_t known =
        face->component->bus_info((void *)&face->component, VST_AUDIO, direction, index, &bus);
    if (known == VST_OK) *speakers = all[bus.channels];
    return known;
}

static int32_t can_process(void *self, int32_t sample_size) {
    return sample_size == VST_SAMPLE_32 ? VST_OK : VST_FALSE;
}

static uint32_t latency(void *self) {
    return 0;
}

static int32_t setup(void *self, const vst_setup *setup) {
    vst_face *face = face_of_processor(self);
    if (setup->sample_size != VST_SAMPLE_32 || setup->max_frames < 0) return VST_FALSE;
    face->rate = setup->rate;
    tagplug_set_offline(face->core, setup->process_mode == VST_OFFLINE);
    return VST_OK;
}

static int32_t set_processing(void *self, uint8_t state) {
    return VST_OK;
}

static uint32_t tail(void *self) {
    const vst_face *face = face_of_processor(self);
    return face_tail(face->core, face->rate);
}

/* --------------------------------------------------------------------------------- process --- */

/* Applies the points of a queue up to sample `at` and returns where its next one is, or `frames`.
 * `next` is how many of them are applied. */
static uint32_t apply(vst_face *face, vst_queue *queue, int32_t *next, uint32_t at, uint32_t frames)
    TAGNODE_NONBLOCKING {
    const uint32_t parameter = tagnode_plugin_parameter_find(queue->table->parameter(queue));
    for (; *next < queue->table->count(queue); ++*next) {
        int32_t offset = 0;
        double value = 0;
        if (queue->table->point(queue, *next, &offset, &value) != VST_OK) continue;
        if (offset > 0 && (uint32_t)offset > at && (uint32_t)offset < frames)
            return (uint32_t)offset;
        tagplug_set(face->core, parameter, tagplug_denormalise(parameter, (float)value));
        if (parameter < TAGPLUG_INPUTS)
            atomic_store_explicit(&face->asked[parameter].set, false, memory_order_relaxed);
    }
    return frames;
}

static void send_midi(const face_block *block, vst_events *events) TAGNODE_NONBLOCKING {
    for (uint32_t i = 0; i < block->midi_count; ++i) {
        const tagplug_midi *message = block->midi + i;
        vst_event event = {.offset = (int32_t)message->offset, .type = VST_EVENT_MIDI_CC};
        event.of.midi_cc = (vst_midi_cc){.controller = message->bytes[1],
                                         .channel = (int8_t)(message->bytes[0] & 15),
                                         .value = (int8_t)message->bytes[2]};
        (void)events->table->add(events, &event);
    }
}

/* Processes a block, cut where a parameter changes. */
static void process_block(vst_face *face, vst_changes *changes, vst_events *events, uint32_t frames)
    TAGNODE_NONBLOCKING {
    int32_t queues = changes != NULL ? changes->table->count(changes) : 0;
    if (queues > TAGPLUG_PARAMETERS) queues = TAGPLUG_PARAMETERS; /* at most one for each */
    for (int32_t i = 0; i < queues; ++i) face->points[i] = 0;
    uint32_t at = 0;
    do {
        uint32_t until = frames;
        for (int32_t i = 0; i < queues; ++i) {
            vst_queue *queue = changes->table->queue(changes, i);
            if (queue == NULL) continue;
            const uint32_t next = apply(face, queue, &face->points[i], at, frames);
            until = next < until ? next : until;
        }
        while (at < until) {
            at = face_process(&face->block, face->core, at, until);
            if (events != NULL) send_midi(&face->block, events);
        }
    } while (at < frames);
}

static void send_outputs(vst_face *face, vst_changes *changes, int32_t offset) TAGNODE_NONBLOCKING {
    for (uint32_t i = 0; i < TAGPLUG_OUTPUTS; ++i) {
        const uint32_t parameter = TAGPLUG_INPUTS + i;
        const float value = tagplug_get(face->core, parameter);
        if (!face_outputs_due(&face->outputs, i, value)) continue;
        const uint32_t id = tagnode_plugin_parameter_info(parameter)->id;
        int32_t index = 0;
        vst_queue *queue = changes->table->add(changes, &id, &index);
        if (queue == NULL) continue;
        const double share = tagplug_normalise(parameter, value);
        if (queue->table->add(queue, offset, share, &index) == VST_OK)
            face_outputs_note(&face->outputs, i, value);
    }
}

/* For hosts that process on their main thread and read performEdit, not the changes of a block
 * (JUCE's, and so pedalboard): every value, since programs read them after each block. */
TAGNODE_UNCHECKED_BEGIN
static void edit_outputs(vst_face *face) TAGNODE_NONBLOCKING {
    vst_handler *handler = face->handler;
    for (uint32_t i = 0; i < TAGPLUG_OUTPUTS && handler != NULL; ++i) {
        const uint32_t parameter = TAGPLUG_INPUTS + i;
        const float value = tagplug_get(face->core, parameter);
        if (value == face->edited[i]) continue;
        face->edited[i] = value;
        (void)handler->table->perform_edit(handler, tagnode_plugin_parameter_info(parameter)->id,
                                           tagplug_normalise(parameter, value));
    }
    vst_notice_texts(face);
}
TAGNODE_UNCHECKED_END

/* Buffers of a bus; a channel that the host flags as silent is, whatever its buffer has. */
typedef struct {
    const float *channels[FACE_CHANNELS];
    uint32_t count;
} bus_buffers;

static bus_buffers buffers_of(const vst_audio_bus *bus) TAGNODE_NONBLOCKING {
    bus_buffers found = {.count = bus != NULL && bus->channels > 0 ? (uint32_t)bus->channels : 0};
    if (found.count > FACE_CHANNELS) found.count = FACE_CHANNELS;
    for (uint32_t c = 0; c < found.count && bus->samples.of_32 != NULL; ++c)
        if ((bus->silence >> c & 1) == 0) found.channels[c] = bus->samples.of_32[c];
    return found;
}

static int32_t process(void *self, vst_data *data) TAGNODE_NONBLOCKING {
    vst_face *face = face_of_processor(self);
    if (data->sample_size != VST_SAMPLE_32 || data->frames < 0) return VST_INVALID_ARGUMENT;
    const vst_audio_bus *input = data->input_count > 0 ? data->inputs : NULL;
    vst_audio_bus *output = data->output_count > 0 ? data->outputs : NULL;
    const bus_buffers from = buffers_of(input);
    float *const *to = output != NULL ? output->samples.of_32 : NULL;
    const uint32_t outputs =
        output != NULL && output->channels > 0 ? (uint32_t)output->channels : 0;
    face_begin(&face->block, from.channels, from.count, to, outputs);
    if (input != NULL && data->input_count > 1 &&
        atomic_load_explicit(&face->is_keyed, memory_order_relaxed)) {
        const bus_buffers sidechain = buffers_of(input + 1);
        face_sidechain(&face->block, sidechain.channels, sidechain.count);
    }
    process_block(face, data->in_changes, data->out_events, (uint32_t)data->frames);
    if (output != NULL)
        output->silence = to == NULL ? 0
                                     : face_constant((const float *const *)to, outputs,
                                                     (uint32_t)data->frames, true);
    face_outputs_advance(&face->outputs, (uint32_t)data->frames);
    if (data->out_changes != NULL)
        send_outputs(face, data->out_changes, data->frames > 0 ? data->frames - 1 : 0);
    if (vst_on_main_thread(face)) edit_outputs(face);
    return VST_OK;
}

const vst_processor_table vst_processor = {
    .unknown = {processor_query, processor_ref, processor_unref},
    .set_arrangements = set_arrangements,
    .get_arrangement = get_arrangement,
    .can_process = can_process,
    .latency = latency,
    .setup = setup,
    .set_processing = set_processing,
    .process = process,
    .tail = tail,
};
