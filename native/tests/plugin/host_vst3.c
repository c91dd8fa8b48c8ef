/* host_vst3.c - a host for VST 3, strict about its rules. Values are normalised to 0 to 1. */
#include <ctype.h>

#include "host.h"
#include "vst3/vst3_abi.h"
#include "vst3/vst3_text.h"
#include "worker/library.h"

enum { PIECE = 100 /* bytes that a stream moves at once */ };

static vst_factory *factory;

/* Any of the plugin's interfaces. */
typedef struct {
    const vst_component_table *table;
} component;
typedef struct {
    const vst_processor_table *table;
} processor;
typedef struct {
    const vst_controller_table *table;
} controller;

/* The changes of one parameter, and of a block. */
typedef struct {
    const vst_queue_table *table;
    uint32_t parameter, count;
    struct {
        int32_t offset;
        double value;
    } points[HOST_MOST_CHANGES];
} queue;

typedef struct {
    const vst_changes_table *table;
    uint32_t count;
    queue *queues; /* TAGPLUG_PARAMETERS of them */
} changes;

typedef struct {
    const vst_events_table *table;
    host *owner;
    int32_t frames, latest;
} events;

typedef struct {
    const vst_handler_table *table;
    uint32_t references;
    host *owner;
    uint32_t edits;
    double edited[TAGPLUG_PARAMETERS];
} handler;

typedef struct {
    component *component;
    processor *processor;
    controller *controller;
    handler handler;
    changes in, out;
    events events;
    vst_setup setup;
    bool active;
} rack;

static rack *rack_of(const host *self) TAGNODE_NONBLOCKING {
    return self->instance;
}

#if defined(TAGPLUG_STATIC)
vst_factory *GetPluginFactory(void);
#endif

#if defined(_WIN32)
#define OPENED "InitDll"
#define CLOSED "ExitDll"
#elif defined(__APPLE__)
#define OPENED "bundleEntry"
#define CLOSED "bundleExit"
#else
#define OPENED "ModuleEntry"
#define CLOSED "ModuleExit"
#endif

void host_load(const char *path) {
#if defined(TAGPLUG_STATIC)
    (void)path;
    factory = GetPluginFactory();
#else
    void *library = tagnode_library_open(path);
    if (library == NULL) {
        fprintf(stderr, "%s\n", tagnode_library_error());
        exit(EXIT_FAILURE);
    }
    bool (*enter)(void *) = NULL;
    vst_factory *(*get)(void) = NULL;
    *(void **)&enter = tagnode_library_symbol(library, OPENED);
    *(void **)&get = tagnode_library_symbol(library, "GetPluginFactory");
    CHECK(enter != NULL && enter(library) && tagnode_library_symbol(library, CLOSED) != NULL);
    factory = get();
#endif
}

/* ------------------------------------------------------------------- the host's own objects --- */

static int32_t query_none(void *self, const vst_id id, void **object) {
    (void)self;
    (void)id;
    *object = NULL;
    return VST_NO_INTERFACE;
}

static uint32_t ref_none(void *self) {
    (void)self;
    return 1;
}

static uint32_t queue_parameter(void *self) TAGNODE_NONBLOCKING {
    return ((queue *)self)->parameter;
}

static int32_t queue_count(void *self) TAGNODE_NONBLOCKING {
    return (int32_t)((queue *)self)->count;
}

static int32_t queue_point(void *self, int32_t index, int32_t *offset, double *value)
    TAGNODE_NONBLOCKING {
    const queue *it = self;
    if (index < 0 || index >= (int32_t)it->count) return VST_INVALID_ARGUMENT;
    *offset = it->points[index].offset;
    *value = it->points[index].value;
    return VST_OK;
}

static int32_t queue_add(void *self, int32_t offset, double value, int32_t *index)
    TAGNODE_NONBLOCKING {
    queue *it = self;
    if (it->count == HOST_MOST_CHANGES) return VST_FALSE;
    *index = (int32_t)it->count;
    it->points[it->count].offset = offset;
    it->points[it->count++].value = value;
    return VST_OK;
}

static const vst_queue_table queue_table = {
    {query_none, ref_none, ref_none}, queue_parameter, queue_count, queue_point, queue_add};

static int32_t changes_count(void *self) TAGNODE_NONBLOCKING {
    return (int32_t)((changes *)self)->count;
}

static vst_queue *changes_queue(void *self, int32_t index) TAGNODE_NONBLOCKING {
    return (vst_queue *)(void *)(((changes *)self)->queues + index);
}

static vst_queue *changes_add(void *self, const uint32_t *parameter, int32_t *index)
    TAGNODE_NONBLOCKING {
    changes *it = self;
    uint32_t i = 0;
    while (i < it->count && it->queues[i].parameter != *parameter) ++i;
    if (i == TAGPLUG_PARAMETERS) return NULL;
    if (i == it->count) {
        it->queues[i].table = &queue_table;
        it->queues[i].parameter = *parameter;
        it->queues[i].count = 0;
        ++it->count;
    }
    *index = (int32_t)i;
    return changes_queue(self, *index);
}

static const vst_changes_table changes_table = {
    {query_none, ref_none, ref_none}, changes_count, changes_queue, changes_add};

static int32_t events_count(void *self) TAGNODE_NONBLOCKING {
    return (int32_t)((events *)self)->owner->midi_count;
}

static int32_t events_get(void *self, int32_t index, vst_event *event) TAGNODE_NONBLOCKING {
    (void)self;
    (void)index;
    (void)event;
    return VST_FALSE;
}

static int32_t events_add(void *self, vst_event *event) TAGNODE_NONBLOCKING {
    events *it = self;
    host *owner = it->owner;
    if (event->type != VST_EVENT_MIDI_CC || event->bus != 0 || event->offset < it->latest ||
        event->offset >= it->frames)
        owner->in_order = false;
    it->latest = event->offset;
    if (owner->midi_count == sizeof owner->midi / sizeof *owner->midi) return VST_FALSE;
    const vst_midi_cc *cc = &event->of.midi_cc;
    owner->midi[owner->midi_count++] =
        (tagplug_midi){(uint32_t)event->offset,
                       {(uint8_t)(0xB0 | cc->channel), cc->controller, (uint8_t)cc->value}};
    return VST_OK;
}

static const vst_events_table events_table = {
    {query_none, ref_none, ref_none}, events_count, events_get, events_add};

static uint32_t handler_ref(void *self) {
    return ++((handler *)self)->references;
}

static uint32_t handler_unref(void *self) {
    return --((handler *)self)->references;
}

static int32_t begin_edit(void *self, uint32_t parameter) {
    (void)self;
    (void)parameter;
    return VST_OK;
}

static int32_t perform_edit(void *self, uint32_t parameter, double value) {
    handler *it = self;
    ++it->edits;
    const uint32_t index = tagnode_plugin_parameter_find(parameter);
    if (index < TAGPLUG_PARAMETERS) it->edited[index] = value;
    return VST_OK;
}

static int32_t restart(void *self, int32_t flags) {
    if ((flags & VST_RESTART_TITLES) != 0) ++((handler *)self)->owner->text_changes;
    return VST_OK;
}

static const vst_handler_table handler_table = {
    {query_none, handler_ref, handler_unref}, begin_edit, perform_edit, begin_edit, restart};

/* ------------------------------------------------------------------------------------ life --- */

#define VST_ID_OF(words) VST_ID(words)
static const vst_id class_id = VST_ID_OF(TAGNODE_PLUGIN_VST3_CLASS);

static uint32_t id_of(uint32_t parameter) TAGNODE_NONBLOCKING {
    const tagnode_plugin_parameter *about = tagnode_plugin_parameter_info(parameter);
    return about != NULL ? about->id : UINT32_MAX;
}

static void *interface(void *object, const vst_id id) {
    void *found = NULL;
    CHECK(((component *)object)->table->base.unknown.query(object, id, &found) == VST_OK);
    return found;
}

host *host_open(void) {
    host *self = calloc(1, sizeof *self);
    rack *it = calloc(1, sizeof *it);
    self->instance = it;
    it->in = (changes){&changes_table, 0, calloc(TAGPLUG_PARAMETERS, sizeof(queue))};
    it->out = (changes){&changes_table, 0, calloc(TAGPLUG_PARAMETERS, sizeof(queue))};
    it->events = (events){&events_table, self, 0, 0};
    it->handler = (handler){.table = &handler_table, .references = 1, .owner = self};
    void *made = NULL;
    CHECK(factory->table->create(factory, class_id, (const vst_id)VST_COMPONENT_ID, &made) ==
          VST_OK);
    it->component = made;
    it->processor = interface(made, (const vst_id)VST_PROCESSOR_ID);
    it->controller = interface(made, (const vst_id)VST_CONTROLLER_ID);
    CHECK(it->component->table->base.initialize(made, NULL) == VST_OK);
    CHECK(it->controller->table->set_handler(it->controller, (vst_handler *)&it->handler) ==
          VST_OK);
    return self;
}

void host_close(host *self) {
    rack *it = rack_of(self);
    host_deactivate(self);
    CHECK(it->component->table->base.terminate(it->component) == VST_OK);
    CHECK(it->handler.references == 1);
    CHECK(it->controller->table->base.unknown.unref(it->controller) == 2);
    CHECK(it->processor->table->unknown.unref(it->processor) == 1);
    CHECK(it->component->table->base.unknown.unref(it->component) == 0);
    free(it->in.queues);
    free(it->out.queues);
    free(it);
    free(self);
}

void host_activate(host *self, double rate, uint32_t max_frames, bool offline) {
    rack *it = rack_of(self);
    host_deactivate(self);
    it->setup = (vst_setup){.process_mode = offline ? VST_OFFLINE : VST_REALTIME,
                            .sample_size = VST_SAMPLE_32,
                            .max_frames = (int32_t)max_frames,
                            .rate = rate};
    CHECK(it->processor->table->setup(it->processor, &it->setup) == VST_OK);
    CHECK(it->component->table->set_active(it->component, 1) == VST_OK);
    CHECK(it->processor->table->set_processing(it->processor, 1) == VST_OK);
    it->active = true;
}

void host_deactivate(host *self) {
    rack *it = rack_of(self);
    if (!it->active) return;
    CHECK(it->processor->table->set_processing(it->processor, 0) == VST_OK);
    CHECK(it->component->table->set_active(it->component, 0) == VST_OK);
    it->active = false;
}

void host_connect_sidechain(host *self, bool connected) {
    const rack *it = rack_of(self);
    CHECK(it->component->table->activate_bus(it->component, VST_AUDIO, VST_INPUT, 1, connected) ==
          VST_OK);
}

/* --------------------------------------------------------------------------------- process --- */

static void take_changes(rack *it, const host_change *change, uint32_t count) TAGNODE_NONBLOCKING {
    it->in.count = it->out.count = 0;
    for (uint32_t i = 0; i < count; ++i) {
        int32_t index = 0;
        const uint32_t id = id_of(change[i].parameter);
        vst_queue *to = changes_add(&it->in, &id, &index);
        if (to == NULL) continue;
        const double share = tagplug_normalise(change[i].parameter, change[i].value);
        (void)queue_add(to, (int32_t)change[i].offset, share, &index);
    }
}

static void read_moved(host *self, int32_t frames) TAGNODE_NONBLOCKING {
    const changes *out = &rack_of(self)->out;
    for (uint32_t i = 0; i < out->count; ++i) {
        const queue *it = out->queues + i;
        for (uint32_t k = 0; k < it->count; ++k) {
            if (it->points[k].offset < 0 || it->points[k].offset >= frames) self->in_order = false;
            if (self->moved_count == sizeof self->moved / sizeof *self->moved) return;
            const uint32_t parameter = tagnode_plugin_parameter_find(it->parameter);
            self->moved[self->moved_count++] =
                (host_change){(uint32_t)it->points[k].offset, parameter,
                              tagplug_denormalise(parameter, (float)it->points[k].value)};
        }
    }
}

void host_process(host *self, const float *const *input, float *const *output, uint32_t frames,
                  const host_change *change, uint32_t change_count) TAGNODE_NONBLOCKING {
    rack *it = rack_of(self);
    take_changes(it, change, change_count);
    self->midi_count = self->moved_count = 0;
    self->in_order = true;
    it->events.frames = frames > 0 ? (int32_t)frames : 1;
    it->events.latest = 0;
    vst_audio_bus from[2] = {
        {.channels = 2, .silence = self->silent, .samples.of_32 = (float **)(void *)input},
        {.channels = (int32_t)self->sidechain_channels,
         .samples.of_32 = (float **)(void *)self->sidechain}};
    vst_audio_bus to = {
        .channels = 2, .silence = UINT64_MAX, .samples.of_32 = (float **)(void *)output};
    vst_data data = {.process_mode = it->setup.process_mode,
                     .sample_size = VST_SAMPLE_32,
                     .frames = (int32_t)frames,
                     .input_count = input == NULL                  ? 0
                                    : self->sidechain_channels > 0 ? 2
                                                                   : 1,
                     .output_count = output != NULL,
                     .inputs = from,
                     .outputs = &to,
                     .in_changes = (vst_changes *)&it->in,
                     .out_changes = (vst_changes *)&it->out,
                     .out_events = (vst_events *)&it->events};
    if (it->processor->table->process(it->processor, &data) != VST_OK) self->in_order = false;
    self->constant = to.silence;
    read_moved(self, it->events.frames);
}

/* As hosts do: sets the controller, and the processor by a block without samples. */
void host_flush(host *self, const host_change *change, uint32_t change_count) {
    const rack *it = rack_of(self);
    for (uint32_t i = 0; i < change_count; ++i)
        (void)it->controller->table->set(it->controller, id_of(change[i].parameter),
                                         tagplug_normalise(change[i].parameter, change[i].value));
    if (it->active) host_process(self, NULL, NULL, 0, change, change_count);
}

/* Outputs go to the controller. */
void host_idle(host *self) {
    const rack *it = rack_of(self);
    for (uint32_t i = 0; i < self->moved_count; ++i)
        (void)it->controller->table->set(
            it->controller, id_of(self->moved[i].parameter),
            tagplug_normalise(self->moved[i].parameter, self->moved[i].value));
}

/* -------------------------------------------------------------------- parameters and state --- */

float host_get(host *self, uint32_t parameter) {
    const rack *it = rack_of(self);
    return tagplug_denormalise(parameter,
                               (float)it->controller->table->get(it->controller, id_of(parameter)));
}

float host_default(host *self, uint32_t parameter) {
    const rack *it = rack_of(self);
    vst_parameter info = {.start = NAN};
    CHECK(it->controller->table->info(it->controller, (int32_t)parameter, &info) == VST_OK);
    return tagplug_denormalise(parameter, (float)info.start);
}

bool host_text(host *self, uint32_t parameter, float value, char *text, size_t size) {
    const rack *it = rack_of(self);
    vst_text wide;
    if (it->controller->table->text_of(it->controller, id_of(parameter),
                                       tagplug_normalise(parameter, value), wide) != VST_OK)
        return false;
    vst_to_utf8(wide, text, size);
    return true;
}

bool host_value(host *self, uint32_t parameter, const char *text, float *value) {
    const rack *it = rack_of(self);
    vst_text wide;
    double share = 0;
    vst_to_utf16(text, wide, sizeof wide / sizeof *wide);
    if (it->controller->table->value_of(it->controller, id_of(parameter), wide, &share) != VST_OK)
        return false;
    *value = tagplug_denormalise(parameter, (float)share);
    return true;
}

const char *host_unit(host *self, uint32_t parameter) {
    static char unit[64];
    const rack *it = rack_of(self);
    vst_parameter info;
    CHECK(it->controller->table->info(it->controller, (int32_t)parameter, &info) == VST_OK);
    vst_to_utf8(info.unit, unit, sizeof unit);
    return unit;
}

uint32_t host_tail(host *self) {
    const rack *it = rack_of(self);
    return it->processor->table->tail(it->processor);
}

typedef struct {
    const vst_stream_table *table;
    unsigned char *bytes;
    size_t size, at;
} tape;

static int32_t tape_read(void *self, void *bytes, int32_t size, int32_t *done) {
    tape *it = self;
    size_t count = it->size - it->at;
    if (count > PIECE) count = PIECE;
    if (count > (size_t)size) count = (size_t)size;
    memcpy(bytes, it->bytes + it->at, count);
    it->at += count;
    *done = (int32_t)count;
    return VST_OK;
}

static int32_t tape_write(void *self, void *bytes, int32_t size, int32_t *done) {
    tape *it = self;
    size_t count = it->size - it->at;
    if (count > PIECE) count = PIECE;
    if (count > (size_t)size) count = (size_t)size;
    memcpy(it->bytes + it->at, bytes, count);
    it->at += count;
    *done = (int32_t)count;
    return count > 0 ? VST_OK : VST_FALSE;
}

static const vst_stream_table tape_table = {
    .unknown = {query_none, ref_none, ref_none}, .read = tape_read, .write = tape_write};

size_t host_save(host *self, void *bytes, size_t capacity) {
    const rack *it = rack_of(self);
    tape to = {&tape_table, bytes, capacity, 0};
    return it->component->table->get_state(it->component, (vst_stream *)&to) == VST_OK ? to.at : 0;
}

bool host_restore(host *self, const void *bytes, size_t size) {
    const rack *it = rack_of(self);
    tape from = {&tape_table, (unsigned char *)bytes, size, 0}; /* only read */
    const bool loaded =
        it->component->table->set_state(it->component, (vst_stream *)&from) == VST_OK;
    from.at = 0;
    CHECK(it->controller->table->set_component_state(it->controller, (vst_stream *)&from) ==
          VST_OK);
    return loaded;
}

/* --------------------------------------------------------------------- what only VST 3 has --- */

static void test_factory_knows_one_class(void) {
    static const vst_id factories[] = {VST_FACTORY_ID, VST_FACTORY_2_ID, VST_FACTORY_3_ID};
    for (size_t i = 0; i < 3; ++i) {
        void *found = NULL;
        CHECK(factory->table->unknown.query(factory, factories[i], &found) == VST_OK);
        CHECK(found == factory);
    }
    CHECK(factory->table->count(factory) == 1);
    vst_class one;
    vst_class_2 two;
    vst_class_3 three;
    CHECK(factory->table->class_info(factory, 0, &one) == VST_OK);
    CHECK(factory->table->class_info_2(factory, 0, &two) == VST_OK);
    CHECK(factory->table->class_info_3(factory, 0, &three) == VST_OK);
    char name[64];
    vst_to_utf8(three.name, name, sizeof name);
    CHECK(strcmp(one.name, "Tagnode") == 0 && strcmp(two.name, "Tagnode") == 0 &&
          strcmp(name, "Tagnode") == 0);
    CHECK(strcmp(one.category, VST_CATEGORY) == 0);
    CHECK(memcmp(one.id, class_id, sizeof class_id) == 0);
    CHECK(memcmp(two.id, class_id, sizeof class_id) == 0);
    CHECK(memcmp(three.id, class_id, sizeof class_id) == 0);
    CHECK(factory->table->class_info(factory, 1, &one) != VST_OK);
    void *made = &one;
    const vst_id other = VST_ID(1, 2, 3, 4);
    CHECK(factory->table->create(factory, other, (const vst_id)VST_COMPONENT_ID, &made) != VST_OK);
    CHECK(made == NULL);
    CHECK(factory->table->create(factory, class_id, other, &made) == VST_NO_INTERFACE);
}

static void test_component_is_its_own_controller(void) {
    host *self = host_open();
    const rack *it = rack_of(self);
    vst_id none;
    CHECK(it->component->table->controller_class(it->component, none) == VST_FALSE);
    CHECK(interface(it->controller, (const vst_id)VST_COMPONENT_ID) == it->component);
    CHECK(interface(it->processor, (const vst_id)VST_UNKNOWN_ID) ==
          interface(it->controller, (const vst_id)VST_UNKNOWN_ID));
    for (int i = 0; i < 3; ++i) (void)it->component->table->base.unknown.unref(it->component);
    CHECK(it->processor->table->can_process(it->processor, VST_SAMPLE_32) == VST_OK);
    CHECK(it->processor->table->can_process(it->processor, VST_SAMPLE_64) != VST_OK);
    CHECK(it->processor->table->latency(it->processor) == 0);
    host_close(self);
}

/* Without a display: the window itself is tested in window_host.c. */
static void test_a_view_wants_a_loop_of_the_host(void) {
    host *self = host_open();
    const rack *it = rack_of(self);
    CHECK(it->controller->table->create_view(it->controller, "other") == NULL);
    const vst_view_table *const *view =
        (const vst_view_table *const *)it->controller->table->create_view(it->controller, "editor");
    if (view != NULL) { /* this build has a window */
        void *own = (void *)view;
        vst_rect size = {0, 0, 0, 0};
        CHECK((*view)->is_supported(own, VST_WINDOW_NATIVE) == VST_OK);
        CHECK((*view)->is_supported(own, "NSView") != VST_OK);
        CHECK((*view)->attached(own, (void *)1, VST_WINDOW_NATIVE) != VST_OK);
        CHECK((*view)->get_size(own, &size) == VST_OK && size.right > 0 && size.bottom > 0);
        CHECK((*view)->on_size(own, &size) == VST_OK && (*view)->can_resize(own) == VST_OK);
        size = (vst_rect){5, 5, 5, 5};
        CHECK((*view)->on_size(own, &size) != VST_OK);
        CHECK((*view)->check_size(own, &size) == VST_OK && size.right == 6 && size.bottom == 6);
        CHECK(interface(own, (const vst_id)VST_TIMER_ID) != NULL);
        CHECK(interface(interface(own, (const vst_id)VST_SCALE_ID), (const vst_id)VST_VIEW_ID) ==
              own);
        for (int i = 0; i < 3; ++i) (void)(*view)->unknown.unref(own);
        CHECK((*view)->removed(own) == VST_OK);
        CHECK((*view)->unknown.unref(own) == 0);
    }
    host_close(self);
}

static void test_buses_are_audio_a_sidechain_and_midi(void) {
    host *self = host_open();
    const rack *it = rack_of(self);
    vst_bus bus;
    for (int32_t direction = VST_INPUT; direction <= VST_OUTPUT; ++direction) {
        const int32_t count = direction == VST_INPUT ? 2 : 1;
        CHECK(it->component->table->bus_count(it->component, VST_AUDIO, direction) == count);
        CHECK(it->component->table->bus_count(it->component, VST_EVENT, direction) == direction);
        CHECK(it->component->table->bus_info(it->component, VST_AUDIO, direction, 0, &bus) ==
              VST_OK);
        CHECK(bus.channels == 2 && bus.direction == direction && bus.type == VST_BUS_MAIN);
        CHECK(bus.flags == VST_BUS_DEFAULT_ACTIVE);
        CHECK(it->component->table->bus_info(it->component, VST_AUDIO, direction, count, &bus) !=
              VST_OK);
        CHECK(it->component->table->activate_bus(it->component, VST_AUDIO, direction, count, 1) !=
              VST_OK);
    }
    CHECK(it->component->table->bus_info(it->component, VST_AUDIO, VST_INPUT, 1, &bus) == VST_OK);
    CHECK(bus.channels == 2 && bus.type == VST_BUS_AUX && bus.flags == 0);
    host_close(self);
}

static uint64_t arrangement(const rack *it, int32_t direction, int32_t index) {
    uint64_t speakers = UINT64_MAX;
    CHECK(it->processor->table->get_arrangement(it->processor, direction, index, &speakers) ==
          VST_OK);
    return speakers;
}

static void test_arrangements(void) {
    enum { NONE = VST_SPEAKERS_NONE, MONO = VST_SPEAKERS_MONO, STEREO = VST_SPEAKERS_STEREO };
    static const struct {
        uint64_t in[3], out;
        int32_t inputs;
        bool fits;
    } cases[] = {{{MONO}, MONO, 1, true},
                 {{MONO, STEREO}, STEREO, 2, true},
                 {{STEREO, MONO}, STEREO, 2, true},
                 {{STEREO, NONE}, STEREO, 2, true},
                 {{MONO, MONO}, MONO, 2, true},
                 {{STEREO}, MONO, 1, false},
                 {{0x3F}, 0x3F, 1, false},
                 {{STEREO, 0x3F}, STEREO, 2, false},
                 {{NONE, STEREO}, STEREO, 2, false},
                 {{STEREO, STEREO, STEREO}, STEREO, 3, false},
                 {{STEREO}, STEREO, 0, false},
                 {{STEREO, STEREO}, STEREO, 2, true}};
    host *self = host_open();
    const rack *it = rack_of(self);
    uint64_t due[3] = {STEREO, STEREO, STEREO}; /* input, sidechain, output */
    for (size_t i = 0; i < sizeof cases / sizeof *cases; ++i) {
        const bool fits =
            it->processor->table->set_arrangements(it->processor, cases[i].in, cases[i].inputs,
                                                   &cases[i].out, 1) == VST_OK;
        CHECK(fits == cases[i].fits);
        if (cases[i].fits) {
            due[0] = cases[i].in[0];
            if (cases[i].inputs > 1) due[1] = cases[i].in[1];
            due[2] = cases[i].out;
        }
        CHECK(arrangement(it, VST_INPUT, 0) == due[0]);
        CHECK(arrangement(it, VST_INPUT, 1) == due[1]);
        CHECK(arrangement(it, VST_OUTPUT, 0) == due[2]);
    }
    uint64_t none = 0;
    CHECK(it->processor->table->get_arrangement(it->processor, VST_OUTPUT, 1, &none) != VST_OK);
    host_close(self);
}

/* Mono, and mono on two outputs. */
static void test_mono_passes(void) {
    float *noise = white_noise(512, 3);
    for (int32_t outputs = 1; outputs <= 2; ++outputs) {
        host *self = host_open();
        rack *it = rack_of(self);
        const uint64_t mono = VST_SPEAKERS_MONO;
        const uint64_t wide = outputs == 1 ? VST_SPEAKERS_MONO : VST_SPEAKERS_STEREO;
        CHECK(it->processor->table->set_arrangements(it->processor, &mono, 1, &wide, 1) == VST_OK);
        host_activate(self, 48000, 512, false);
        float out[2][512] = {{0}};
        float *from[1] = {noise}, *to[2] = {out[0], out[1]};
        vst_audio_bus input = {.channels = 1, .samples.of_32 = from};
        vst_audio_bus output = {.channels = outputs, .samples.of_32 = to};
        vst_data data = {.sample_size = VST_SAMPLE_32,
                         .frames = 512,
                         .input_count = 1,
                         .output_count = 1,
                         .inputs = &input,
                         .outputs = &output};
        CHECK(it->processor->table->process(it->processor, &data) == VST_OK);
        for (int32_t c = 0; c < outputs; ++c) CHECK(memcmp(noise, out[c], sizeof out[c]) == 0);
        host_close(self);
    }
    free(noise);
}

/* Whatever the buffer of a silent channel has; the flags of the output are of its samples. */
static void test_a_channel_flagged_as_silent_is_silent(void) {
    host *self = host_open();
    float *noise = white_noise(600, 5), out[2][600] = {{0}};
    const float *const input[2] = {noise, noise};
    float *const output[2] = {out[0], out[1]};
    host_activate(self, 48000, 600, false);
    for (uint64_t silent = 0; silent < 4; ++silent) {
        self->silent = silent;
        host_process(self, input, output, 600, NULL, 0);
        CHECK(self->constant == silent);
        for (int c = 0; c < 2; ++c)
            for (int i = 0; i < 600; ++i) CHECK(out[c][i] == (silent >> c & 1 ? 0 : noise[i]));
    }
    host_process(self, input, output, 0, NULL, 0);
    CHECK(self->constant == 0);
    free(noise);
    host_close(self);
}

/* Hosts may leave anything in the buffers of a bus that is not active. */
static void test_an_inactive_sidechain_is_not_read(void) {
    host *self = host_open();
    float *noise = white_noise(4800, 5), out[4800];
    const float *const silent[2] = {out, out};
    float *const output[2] = {out, out};
    const host_change both[] = {{0, TAGPLUG_ANALYSIS_INPUT, TAGPLUG_ANALYSE_SIDECHAIN},
                                {0, tagplug_field_of(0, TAGPLUG_SOURCE), 1}};
    memset(out, 0, sizeof out);
    self->sidechain[0] = self->sidechain[1] = noise;
    self->sidechain_channels = 2;
    for (int connected = 0; connected < 2; ++connected) {
        host_deactivate(self);
        host_connect_sidechain(self, connected == 1);
        host_activate(self, 48000, 4800, false);
        host_process(self, silent, output, 4800, both, 2);
        CHECK((host_get(self, TAGPLUG_VALUE_1) > 0.3F) == (connected == 1));
    }
    free(noise);
    host_close(self);
}

static void test_parameters_are_those_of_the_table(void) {
    host *self = host_open();
    const rack *it = rack_of(self);
    const int32_t more = it->controller->table->count(it->controller) - TAGPLUG_PARAMETERS;
    CHECK(more == 0 || more == 1); /* the choice of a program, if there are any */
    vst_parameter info;
    char text[256];
    for (uint32_t i = 0; i < TAGPLUG_PARAMETERS; ++i) {
        const tagnode_plugin_parameter *about = tagnode_plugin_parameter_info(i);
        CHECK(it->controller->table->info(it->controller, (int32_t)i, &info) == VST_OK);
        vst_to_utf8(info.title, text, sizeof text);
        CHECK(info.id == about->id && strcmp(text, about->name) == 0);
        vst_to_utf8(info.unit, text, sizeof text);
        CHECK(strcmp(text, about->unit) == 0);
        CHECK(((info.flags & VST_PARAMETER_READ_ONLY) != 0) == about->output);
        CHECK(((info.flags & VST_PARAMETER_AUTOMATABLE) != 0) == !about->output);
        CHECK(((info.flags & VST_PARAMETER_BYPASS) != 0) == (i == TAGPLUG_BYPASS));
        CHECK(info.steps == (about->scale >= TAGNODE_SCALE_INTEGER ? about->high - about->low : 0));
        CHECK_NEAR(it->controller->table->to_plain(it->controller, about->id, info.start),
                   about->start, 1e-6 * about->high);
        if (about->scale != TAGNODE_SCALE_CHOICE) /* those may have room above the last one */
            CHECK_NEAR(it->controller->table->from_plain(it->controller, about->id, about->high), 1,
                       0);
    }
    CHECK(it->controller->table->info(it->controller, TAGPLUG_PARAMETERS + more, &info) != VST_OK);
    CHECK(it->controller->table->info(it->controller, -1, &info) != VST_OK);
    host_close(self);
}

typedef struct {
    const vst_units_table *table;
} unit_list;

static void test_units_are_the_slots(void) {
    host *self = host_open();
    const rack *it = rack_of(self);
    unit_list *units = interface(it->component, (const vst_id)VST_UNITS_ID);
    CHECK(units->table->count(units) == 1 + TAGPLUG_SLOTS);
    for (uint32_t slot = 0; slot < TAGPLUG_SLOTS; ++slot) {
        vst_unit unit;
        vst_parameter info;
        char name[256];
        CHECK(units->table->info(units, 1 + (int32_t)slot, &unit) == VST_OK);
        vst_to_utf8(unit.name, name, sizeof name);
        CHECK(strcmp(name,
                     tagnode_plugin_parameter_info(tagplug_field_of(slot, TAGPLUG_CURVE))->group) ==
              0);
        const uint32_t some[] = {tagplug_field_of(slot, TAGPLUG_CURVE), TAGPLUG_VALUE_1 + slot};
        for (size_t i = 0; i < 2; ++i) {
            CHECK(it->controller->table->info(it->controller, (int32_t)some[i], &info) == VST_OK);
            CHECK(info.unit_id == unit.id && unit.parent == 0);
        }
    }
    CHECK(units->table->selected(units) == 0);
    CHECK(units->table->select(units, TAGPLUG_SLOTS) == VST_OK);
    CHECK(units->table->select(units, 1 + TAGPLUG_SLOTS) != VST_OK);
    CHECK(units->table->select(units, -1) != VST_OK);
    CHECK(units->table->selected(units) == TAGPLUG_SLOTS);
    (void)units->table->unknown.unref(units);
    host_close(self);
}

typedef struct {
    const rack *rack;
    unit_list *units;
    vst_program_list list;
} program_rack;

/* Sets the program that has this number, as a host's menu does. */
static void choose(const program_rack *p, int32_t program) {
    const double value = (double)program / (p->list.count - 1);
    controller *to = p->rack->controller;
    CHECK(to->table->set(to, TAGPLUG_PROGRAM_ID, value) == VST_OK);
    CHECK_NEAR(to->table->get(to, TAGPLUG_PROGRAM_ID), value, 1e-9);
}

static void check_program(const program_rack *p, int32_t program, host *self, host *fresh) {
    static unsigned char bytes[TAGPLUG_STATE_MOST], again[TAGPLUG_STATE_MOST];
    controller *c = p->rack->controller;
    vst_text name, shown;
    char text[256];
    double back = -1;
    const double value = (double)program / (p->list.count - 1);
    CHECK(p->units->table->program_name(p->units, p->list.id, program, name) == VST_OK);
    CHECK(c->table->text_of(c, TAGPLUG_PROGRAM_ID, value, shown) == VST_OK);
    for (size_t i = 0; i < 128 && (i == 0 || name[i - 1] != 0); ++i) CHECK(name[i] == shown[i]);
    CHECK(c->table->value_of(c, TAGPLUG_PROGRAM_ID, name, &back) == VST_OK);
    CHECK_NEAR(back, value, 1e-9);
    vst_to_utf8(name, text, sizeof text);
    CHECK(text[0] != '\0');
    for (size_t i = 0; text[i] != '\0' && name[i] < 128; ++i)
        name[i] = (int16_t)toupper((unsigned char)text[i]);
    CHECK(c->table->value_of(c, TAGPLUG_PROGRAM_ID, name, &back) == VST_OK);
    CHECK_NEAR(back, value, 1e-9);
    name[0] = '?';
    CHECK(c->table->value_of(c, TAGPLUG_PROGRAM_ID, name, &back) == VST_FALSE);
    if (program == 0) return;
    const uint32_t before = self->text_changes;
    choose(p, program);
    CHECK(self->text_changes > before); /* so that the host reads values again */
    const program_rack other = {rack_of(fresh), p->units, p->list};
    choose(&other, program);
    const size_t size = host_save(self, bytes, sizeof bytes);
    CHECK(size > 0 && host_save(fresh, again, sizeof again) == size);
    CHECK(memcmp(bytes, again, size) == 0);
    if (strcmp(text, "duck-under-voice") == 0) check_duck_under_voice(self);
}

/* A host may set the program with all other values that it saved: it must not undo them. */
static void check_edits_stay(const program_rack *p, host *self) {
    controller *c = p->rack->controller;
    choose(p, 1);
    CHECK(c->table->set(c, id_of(TAGPLUG_DELAY_FEEDBACK), 0.25) == VST_OK);
    host_process(self, NULL, NULL, 0, &(host_change){0, TAGPLUG_DELAY_FEEDBACK, 0.25F * 0.95F}, 1);
    CHECK(c->table->get(c, TAGPLUG_PROGRAM_ID) == 0);
    CHECK(c->table->set(c, TAGPLUG_PROGRAM_ID, 0) == VST_OK);
    CHECK_NEAR(host_get(self, TAGPLUG_DELAY_FEEDBACK), 0.25 * 0.95, 1e-6);
}

static void test_programs_are_the_presets(void) {
    host *self = host_open();
    program_rack p = {.rack = rack_of(self)};
    p.units = interface(p.rack->component, (const vst_id)VST_UNITS_ID);
    vst_unit unit;
    vst_text name;
    CHECK(p.units->table->info(p.units, 0, &unit) == VST_OK);
    if (p.units->table->program_list_count(p.units) == 1) {
        vst_parameter info;
        CHECK(p.units->table->program_list(p.units, 0, &p.list) == VST_OK);
        CHECK(unit.programs == p.list.id && p.list.count > 1);
        CHECK(p.rack->controller->table->info(p.rack->controller, TAGPLUG_PARAMETERS, &info) ==
              VST_OK);
        CHECK(info.id == TAGPLUG_PROGRAM_ID && info.steps == p.list.count - 1);
        CHECK(info.flags == (VST_PARAMETER_PROGRAM | VST_PARAMETER_LIST));
        CHECK(info.unit_id == unit.id && info.start == 0);
        host_activate(self, 48000, 512, false);
        for (int32_t i = 0; i < p.list.count; ++i) {
            host *fresh = host_open();
            check_program(&p, i, self, fresh);
            host_close(fresh);
        }
        check_edits_stay(&p, self);
        CHECK(p.units->table->program_name(p.units, p.list.id, p.list.count, name) != VST_OK);
        CHECK(p.units->table->program_name(p.units, p.list.id, -1, name) != VST_OK);
        CHECK(p.units->table->program_name(p.units, p.list.id + 1, 0, name) != VST_OK);
    } else {
        CHECK(unit.programs == -1);
        puts("skipped: programs; give cmake -DTAGNODE_PRESETS=FILE");
    }
    CHECK(p.units->table->program_list(p.units, 1, &p.list) != VST_OK);
    (void)p.units->table->unknown.unref(p.units);
    host_close(self);
}

/* The tests process on the thread that ran initialize, so the handler gets the outputs of a block.
 */
static void test_the_handler_receives_outputs(void) {
    host *self = host_open();
    const rack *it = rack_of(self);
    host_activate(self, 48000, 512, false);
    float *noise = white_noise(512, 5), out[512];
    const float *const input[2] = {noise, noise};
    float *const output[2] = {out, out};
    const host_change source = {0, tagplug_field_of(2, TAGPLUG_SOURCE), 1 + TAGNODE_SIGNAL_RMS_DB};
    host_process(self, input, output, 512, &source, 1);
    for (int i = 0; i < 50; ++i) host_process(self, input, output, 512, NULL, 0);
    const uint32_t value = TAGPLUG_VALUE_1 + 2;
    CHECK(it->handler.edited[value] > 0.5);
    CHECK_NEAR(it->handler.edited[value], it->controller->table->get(it->controller, id_of(value)),
               0);
    free(noise);
    host_close(self);
}

/* A value that the controller gets while active takes effect in process; a state that is saved
 * before has it nevertheless. */
static void test_a_state_has_values_set_by_the_controller(void) {
    host *self = host_open(), *other = host_open();
    const rack *it = rack_of(self);
    static unsigned char bytes[TAGPLUG_STATE_MOST];
    host_activate(self, 48000, 512, false);
    CHECK(it->controller->table->set(it->controller, id_of(TAGPLUG_DELAY_FEEDBACK), 0.25) ==
          VST_OK);
    const size_t size = host_save(self, bytes, sizeof bytes);
    CHECK(size > 0 && host_restore(other, bytes, size));
    CHECK_NEAR(host_get(other, TAGPLUG_DELAY_FEEDBACK), 0.25 * 0.95, 1e-6);
    host_close(self);
    host_close(other);
}

static int32_t boast(void *self, void *bytes, int32_t size, int32_t *done) {
    (void)self;
    (void)bytes;
    *done = size + 1;
    return VST_OK;
}

static void test_a_stream_that_reports_too_many_bytes_ends(void) {
    static const vst_stream_table boasts = {.unknown = {query_none, ref_none, ref_none},
                                            .read = boast};
    host *self = host_open();
    const rack *it = rack_of(self);
    vst_stream from = {&boasts};
    CHECK(it->component->table->set_state(it->component, &from) == VST_FALSE);
    host_close(self);
}

static void test_texts_survive_utf16(void) {
    static const char *const texts[] = {"", "speech", "h\xC3\xA9las", "\xE9\x9F\xB3\xE6\xA5\xBD",
                                        "\xF0\x9F\x8E\xB5 a"};
    int16_t wide[128];
    char text[512];
    for (size_t i = 0; i < sizeof texts / sizeof *texts; ++i) {
        vst_to_utf16(texts[i], wide, 128);
        vst_to_utf8(wide, text, sizeof text);
        CHECK(strcmp(text, texts[i]) == 0);
    }
    vst_to_utf16("\xF0\x9F\x8E\xB5", wide, 2); /* does not fit: not half of it */
    CHECK(wide[0] == 0);
    vst_to_utf16("\xC3", wide, 128);
    CHECK((uint16_t)wide[0] == 0xFFFD && wide[1] == 0);
    wide[0] = (int16_t)0xD800;
    wide[1] = 0;
    vst_to_utf8(wide, text, sizeof text);
    CHECK(strcmp(text, "\xEF\xBF\xBD") == 0);
}

void host_test_format(void) {
    test_factory_knows_one_class();
    test_component_is_its_own_controller();
    test_a_view_wants_a_loop_of_the_host();
    test_buses_are_audio_a_sidechain_and_midi();
    test_arrangements();
    test_mono_passes();
    test_a_channel_flagged_as_silent_is_silent();
    test_an_inactive_sidechain_is_not_read();
    test_parameters_are_those_of_the_table();
    test_units_are_the_slots();
    test_programs_are_the_presets();
    test_the_handler_receives_outputs();
    test_a_state_has_values_set_by_the_controller();
    test_a_stream_that_reports_too_many_bytes_ends();
    test_texts_survive_utf16();
}

unsigned host_failures(void) {
    return tally.failed;
}
