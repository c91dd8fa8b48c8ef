/* window_vst3.c - VST 3: a frame with a run loop, a handler, changes for the processor. */
#include <pthread.h>

#include "vst3/vst3_abi.h"
#include "vst3/vst3_face.h"
#include "window_host.h"
#include "worker/library.h"

#define OBJECT(name, table_type)                                                                   \
    typedef struct {                                                                               \
        const table_type *table;                                                                   \
    } name
OBJECT(component, vst_component_table);
OBJECT(processor, vst_processor_table);
OBJECT(controller, vst_controller_table);
OBJECT(view, vst_view_table);
OBJECT(scaling, vst_scale_table);

struct plug {
    component *component;
    processor *processor;
    controller *controller;
    view *view;
    vst_timer *timer; /* that the view has registered */
    vst_frame frame;
    vst_loop loop;
    vst_handler handler;
    pthread_mutex_t lock;
    plug_change changes[PLUG_CHANGES]; /* for the next block; under the lock */
    uint32_t change_count;

    vst_changes list; /* of the block in process */
    struct one_queue {
        vst_queue queue;
        plug_change change;
    } queues[PLUG_CHANGES];
    uint32_t queue_count;
};

static vst_factory *(*factory)(void);

void plug_load(const char *path) {
    void *library = tagnode_library_open(path);
    if (library != NULL) *(void **)&factory = tagnode_library_symbol(library, "GetPluginFactory");
    if (factory != NULL) return;
    fprintf(stderr, "%s\n", tagnode_library_error());
    exit(EXIT_FAILURE);
}

/* ---- what the host is ---- */

#define OWNER(object, member) ((plug *)(void *)((char *)(object) - offsetof(plug, member)))

static uint32_t counted(void *self) {
    (void)self;
    return 1;
}

static int32_t no_interface(void *self, const vst_id id, void **object) {
    (void)self;
    (void)id;
    *object = NULL;
    return VST_NO_INTERFACE;
}

static int32_t frame_query(void *self, const vst_id id, void **object) {
    static const vst_id loop = VST_LOOP_ID;
    if (memcmp(id, loop, sizeof loop) != 0) return no_interface(self, id, object);
    *object = &OWNER(self, frame)->loop;
    return VST_OK;
}

static int32_t frame_resize(void *self, vst_view *which, vst_rect *size) {
    (void)self;
    (void)which;
    (void)size;
    return VST_OK;
}

static int32_t events(void *self, void *handler, int descriptor) {
    (void)self;
    (void)handler;
    (void)descriptor;
    return VST_OK;
}

static int32_t no_events(void *self, void *handler) {
    (void)self;
    (void)handler;
    return VST_OK;
}

static int32_t add_timer(void *self, vst_timer *timer, uint64_t ms) {
    CHECK(ms >= 30 && ms <= 100 && OWNER(self, loop)->timer == NULL);
    OWNER(self, loop)->timer = timer;
    return VST_OK;
}

static int32_t remove_timer(void *self, vst_timer *timer) {
    CHECK(OWNER(self, loop)->timer == timer);
    OWNER(self, loop)->timer = NULL;
    return VST_OK;
}

static void queue_change(plug *self, uint32_t id, double share) {
    (void)pthread_mutex_lock(&self->lock);
    if (self->change_count < PLUG_CHANGES)
        self->changes[self->change_count++] = (plug_change){id, share};
    (void)pthread_mutex_unlock(&self->lock);
}

static double plain(const plug *self, uint32_t id, double share) {
    return self->controller->table->to_plain(self->controller, id, share);
}

static int32_t begin_edit(void *self, uint32_t id) {
    (void)self;
    plug_edited("begin", id, 0);
    return VST_OK;
}

static int32_t perform_edit(void *self, uint32_t id, double share) {
    plug *owner = OWNER(self, handler);
    if (tagnode_plugin_parameter_find(id) >= TAGPLUG_INPUTS) return VST_OK;
    plug_edited("set", id, plain(owner, id, share));
    queue_change(owner, id, share);
    return VST_OK;
}

static int32_t end_edit(void *self, uint32_t id) {
    (void)self;
    plug_edited("end", id, 0);
    return VST_OK;
}

static int32_t restart(void *self, int32_t flags) {
    (void)self;
    (void)flags;
    return VST_OK;
}

/* ---- changes of a block ---- */

static uint32_t parameter_of(void *self) {
    return ((struct one_queue *)self)->change.id;
}

static int32_t one(void *self) {
    (void)self;
    return 1;
}

static int32_t point(void *self, int32_t index, int32_t *offset, double *value) {
    (void)index;
    *offset = 0;
    *value = ((struct one_queue *)self)->change.value;
    return VST_OK;
}

static int32_t list_count(void *self) {
    return (int32_t)OWNER(self, list)->queue_count;
}

static vst_queue *list_queue(void *self, int32_t index) {
    return &OWNER(self, list)->queues[index].queue;
}

static const vst_queue_table queue_table = {
    {no_interface, counted, counted}, parameter_of, one, point, NULL};
static const vst_changes_table list_table = {
    {no_interface, counted, counted}, list_count, list_queue, NULL};

static void take_changes(plug *self) {
    (void)pthread_mutex_lock(&self->lock);
    for (uint32_t i = 0; i < self->change_count; ++i)
        self->queues[i] = (struct one_queue){{&queue_table}, self->changes[i]};
    self->queue_count = self->change_count;
    self->change_count = 0;
    (void)pthread_mutex_unlock(&self->lock);
}

/* ---- life ---- */

static void *interface(void *object, const vst_id id) {
    void *found = NULL;
    CHECK(((component *)object)->table->base.unknown.query(object, id, &found) == VST_OK);
    return found;
}

plug *plug_open(void) {
    static const vst_frame_table frame = {{frame_query, counted, counted}, frame_resize};
    static const vst_loop_table loop = {
        {no_interface, counted, counted}, events, no_events, add_timer, remove_timer};
    static const vst_handler_table handler = {
        {no_interface, counted, counted}, begin_edit, perform_edit, end_edit, restart};
    static const vst_id class_id = VST_TAGNODE_ID;
    const vst_setup setup = {VST_REALTIME, VST_SAMPLE_32, PLUG_BLOCK, PLUG_RATE};
    plug *self = calloc(1, sizeof *self);
    void *made = NULL;
    self->frame.table = &frame;
    self->loop.table = &loop;
    self->handler.table = &handler;
    self->list.table = &list_table;
    (void)pthread_mutex_init(&self->lock, NULL);
    (void)factory()->table->create(factory(), class_id, (const vst_id)VST_COMPONENT_ID, &made);
    self->component = made;
    self->processor = interface(made, (const vst_id)VST_PROCESSOR_ID);
    self->controller = interface(made, (const vst_id)VST_CONTROLLER_ID);
    (void)self->component->table->base.initialize(made, NULL);
    (void)self->controller->table->set_handler(self->controller, &self->handler);
    (void)self->processor->table->setup(self->processor, &setup);
    (void)self->component->table->set_active(made, 1);
    return self;
}

void plug_close(plug *self) {
    plug_hide(self);
    (void)self->component->table->set_active(self->component, 0);
    (void)self->component->table->base.terminate(self->component);
    (void)self->controller->table->base.unknown.unref(self->controller);
    (void)self->processor->table->unknown.unref(self->processor);
    CHECK(self->component->table->base.unknown.unref(self->component) == 0);
    (void)pthread_mutex_destroy(&self->lock);
    free(self);
}

void plug_process(plug *self, const float *const *input, float *const *output) {
    vst_audio_bus from = {.channels = 2, .samples = {.of_32 = (float **)input}};
    vst_audio_bus to = {.channels = 2, .samples = {.of_32 = (float **)output}};
    vst_data data = {.process_mode = VST_REALTIME,
                     .sample_size = VST_SAMPLE_32,
                     .frames = PLUG_BLOCK,
                     .input_count = 1,
                     .output_count = 1,
                     .inputs = &from,
                     .outputs = &to,
                     .in_changes = &self->list};
    take_changes(self);
    (void)self->processor->table->process(self->processor, &data);
}

/* ---- window ---- */

bool plug_show(plug *self, uintptr_t parent, double scale) {
    self->view = self->controller->table->create_view(self->controller, VST_VIEW_EDITOR);
    if (self->view == NULL) return false;
    scaling *scales = interface(self->view, (const vst_id)VST_SCALE_ID);
    (void)scales->table->set_scale(scales, (float)scale);
    (void)scales->table->unknown.unref(scales);
    (void)self->view->table->set_frame(self->view, &self->frame);
    void *window = (void *)parent; /* NOLINT(performance-no-int-to-ptr) */
    if (self->view->table->attached(self->view, window, VST_WINDOW_NATIVE) == VST_OK) return true;
    CHECK(self->view->table->unknown.unref(self->view) == 0);
    self->view = NULL;
    return false;
}

void plug_hide(plug *self) {
    if (self->view == NULL) return;
    (void)self->view->table->removed(self->view);
    (void)self->view->table->set_frame(self->view, NULL);
    CHECK(self->view->table->unknown.unref(self->view) == 0 && self->timer == NULL);
    self->view = NULL;
}

void plug_tick(plug *self) {
    if (self->timer != NULL) self->timer->table->on_timer(self->timer);
}

bool plug_resize(plug *self, uint32_t width, uint32_t height) {
    vst_rect size = {0, 0, (int32_t)width, (int32_t)height};
    (void)self->view->table->check_size(self->view, &size);
    return self->view->table->on_size(self->view, &size) == VST_OK;
}

void plug_set(plug *self, uint32_t id, double value) {
    const double share = self->controller->table->from_plain(self->controller, id, value);
    (void)self->controller->table->set(self->controller, id, share);
    queue_change(self, id, share);
}

double plug_get(plug *self, uint32_t id) {
    return plain(self, id, self->controller->table->get(self->controller, id));
}
