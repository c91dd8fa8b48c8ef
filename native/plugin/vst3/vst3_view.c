/* vst3_view.c - the window for VST 3 hosts. */
#include <stdlib.h>
#include <string.h>

#include "vst3_face.h"
#include "window/window.h"

struct vst_view {
    /* One for each interface. */
    const vst_view_table *view;
    const vst_scale_table *scale;
    const vst_timer_table *timer;

    _Atomic uint32_t references;
    vst_face *face;
    vst_frame *frame; /* NULL: none */
    vst_loop *loop;   /* while attached */
    tagplug_window *window;
    double factor;    /* scale */
    uint32_t size[2]; /* pixels, while there is no window */
    bool is_timed;
};

static vst_view *view_of(void *self) {
    return self;
}

static vst_view *of_scale(void *self) {
    return (vst_view *)(void *)((char *)self - offsetof(vst_view, scale));
}

static vst_view *of_timer(void *self) {
    return (vst_view *)(void *)((char *)self - offsetof(vst_view, timer));
}

/* ------------------------------------------------------------------------------------ life --- */

static int32_t query(void *self, const vst_id id, void **object) {
    static const struct {
        vst_id id;
        size_t place;
    } all[] = {{VST_UNKNOWN_ID, offsetof(vst_view, view)},
               {VST_VIEW_ID, offsetof(vst_view, view)},
               {VST_SCALE_ID, offsetof(vst_view, scale)},
               {VST_TIMER_ID, offsetof(vst_view, timer)}};
    *object = NULL;
    for (size_t i = 0; i < sizeof all / sizeof *all; ++i)
        if (memcmp(id, all[i].id, sizeof(vst_id)) == 0) *object = (char *)self + all[i].place;
    if (*object == NULL) return VST_NO_INTERFACE;
    atomic_fetch_add(&view_of(self)->references, 1);
    return VST_OK;
}

static uint32_t ref(void *self) {
    return atomic_fetch_add(&view_of(self)->references, 1) + 1;
}

static void detach(vst_view *view) {
    if (view->is_timed)
        (void)view->loop->table->remove_timer(view->loop, (vst_timer *)(void *)&view->timer);
    if (view->loop != NULL) (void)view->loop->table->unknown.unref(view->loop);
    view->loop = NULL;
    view->is_timed = false;
    if (view->window != NULL) tagplug_window_size(view->window, &view->size[0], &view->size[1]);
    tagplug_window_close(view->window);
    view->window = NULL;
}

static uint32_t unref(void *self) {
    vst_view *view = view_of(self);
    const uint32_t left = atomic_fetch_sub(&view->references, 1) - 1;
    if (left > 0) return left;
    detach(view);
    if (view->frame != NULL) (void)view->frame->table->unknown.unref(view->frame);
    (void)vst_face_unref(view->face);
    free(view);
    return 0;
}

static int32_t scale_query(void *self, const vst_id id, void **object) {
    return query(of_scale(self), id, object);
}

static uint32_t scale_ref(void *self) {
    return ref(of_scale(self));
}

static uint32_t scale_unref(void *self) {
    return unref(of_scale(self));
}

static int32_t timer_query(void *self, const vst_id id, void **object) {
    return query(of_timer(self), id, object);
}

static uint32_t timer_ref(void *self) {
    return ref(of_timer(self));
}

static uint32_t timer_unref(void *self) {
    return unref(of_timer(self));
}

/* ----------------------------------------------------------------------------------- edits --- */

static float get(void *context, uint32_t parameter) {
    const vst_view *view = context;
    vst_face *face = view->face;
    const bool asked = parameter < TAGPLUG_INPUTS && atomic_load(&face->asked[parameter].set);
    return asked ? atomic_load(&face->asked[parameter].value) : tagplug_get(face->core, parameter);
}

static uint32_t id_of(uint32_t parameter) {
    return tagnode_plugin_parameter_info(parameter)->id;
}

static void begin(void *context, uint32_t parameter) {
    vst_handler *handler = ((const vst_view *)context)->face->handler;
    if (handler != NULL) (void)handler->table->begin_edit(handler, id_of(parameter));
}

static void set(void *context, uint32_t parameter, float value) {
    vst_face *face = ((const vst_view *)context)->face;
    vst_handler *handler = face->handler;
    const double share = tagplug_normalise(parameter, value);
    (void)face->controller->set((void *)&face->controller, id_of(parameter), share);
    if (handler != NULL)
        (void)handler->table->perform_edit(handler, id_of(parameter), share);
    else
        vst_settle(face);
}

static void end(void *context, uint32_t parameter) {
    vst_handler *handler = ((const vst_view *)context)->face->handler;
    if (handler != NULL) (void)handler->table->end_edit(handler, id_of(parameter));
}

/* ------------------------------------------------------------------------------------ view --- */

static int32_t is_supported(void *self, const char *kind) {
    return kind != NULL && strcmp(kind, VST_WINDOW_NATIVE) == 0 ? VST_OK : VST_FALSE;
}

/* The host's loop, with a reference; NULL: it has none. */
static vst_loop *loop_of(vst_frame *frame) {
    static const vst_id id = VST_LOOP_ID;
    void *loop = NULL;
    if (frame == NULL || frame->table->unknown.query(frame, id, &loop) != VST_OK) return NULL;
    return loop;
}

static bool start_timer(vst_view *view) {
    vst_timer *timer = (vst_timer *)(void *)&view->timer;
    view->is_timed =
        view->loop->table->add_timer(view->loop, timer, TAGPLUG_WINDOW_PERIOD) == VST_OK;
    return view->is_timed;
}

static int32_t attached(void *self, void *parent, const char *kind) {
    vst_view *view = view_of(self);
    if (is_supported(self, kind) != VST_OK || view->window != NULL) return VST_FALSE;
    const tagplug_window_host host = {view, view->face->core, &tagplug_view_table, get, begin, set,
                                      end};
    if (!tagplug_window_has_timer()) {
        view->loop = loop_of(view->frame);
        if (view->loop == NULL) return VST_FALSE;
    }
    view->window = tagplug_window_open(&host, (uintptr_t)parent, view->factor);
    if (view->window != NULL) {
        (void)tagplug_window_resize(view->window, view->size[0], view->size[1]);
        if (tagplug_window_has_timer() || start_timer(view)) return VST_OK;
    }
    detach(view);
    return VST_FALSE;
}

static int32_t removed(void *self) {
    detach(view_of(self));
    return VST_OK;
}

/* Pointer and keys come from the window itself. */
static int32_t on_wheel(void *self, float distance) {
    return VST_FALSE;
}

static int32_t on_key(void *self, int16_t key, int16_t code, int16_t modifiers) {
    return VST_FALSE;
}

static int32_t get_size(void *self, vst_rect *size) {
    const vst_view *view = view_of(self);
    uint32_t width = view->size[0], height = view->size[1];
    if (size == NULL) return VST_INVALID_ARGUMENT;
    if (view->window != NULL) tagplug_window_size(view->window, &width, &height);
    *size = (vst_rect){0, 0, (int32_t)width, (int32_t)height};
    return VST_OK;
}

static bool is_valid(const vst_rect *size) {
    return size != NULL && size->right > size->left && size->bottom > size->top;
}

static int32_t on_size(void *self, vst_rect *size) {
    vst_view *view = view_of(self);
    if (!is_valid(size)) return VST_INVALID_ARGUMENT;
    view->size[0] = (uint32_t)(size->right - size->left);
    view->size[1] = (uint32_t)(size->bottom - size->top);
    if (view->window != NULL)
        (void)tagplug_window_resize(view->window, view->size[0], view->size[1]);
    return VST_OK;
}

static int32_t on_focus(void *self, uint8_t state) {
    return VST_OK;
}

static int32_t set_frame(void *self, vst_frame *frame) {
    vst_view *view = view_of(self);
    if (frame != NULL) (void)frame->table->unknown.ref(frame);
    if (view->frame != NULL) (void)view->frame->table->unknown.unref(view->frame);
    view->frame = frame;
    return VST_OK;
}

static int32_t can_resize(void *self) {
    return VST_OK;
}

/* Any size will do; the smallest is a pixel. */
static int32_t check_size(void *self, vst_rect *size) {
    if (size == NULL) return VST_INVALID_ARGUMENT;
    if (size->right <= size->left) size->right = size->left + 1;
    if (size->bottom <= size->top) size->bottom = size->top + 1;
    return VST_OK;
}

static void set_sizes(vst_view *view) {
    const double scale = view->factor;
    view->size[0] = (uint32_t)(TAGPLUG_WINDOW_WIDTH * scale + 0.5);
    view->size[1] = (uint32_t)(TAGPLUG_WINDOW_HEIGHT * scale + 0.5);
}

static int32_t set_scale(void *self, float scale) {
    vst_view *view = of_scale(self);
    view->factor = tagplug_window_scale_of(scale);
    if (view->window == NULL) {
        set_sizes(view);
        return VST_OK;
    }
    tagplug_window_scale(view->window, view->factor);
    return VST_OK;
}

static void on_timer(void *self) {
    const vst_view *view = of_timer(self);
    if (view->window != NULL) (void)tagplug_window_tick(view->window);
}

vst_view *vst_view_create(vst_face *face) {
    static const vst_view_table view_table = {{query, ref, unref},
                                              is_supported,
                                              attached,
                                              removed,
                                              on_wheel,
                                              on_key,
                                              on_key,
                                              get_size,
                                              on_size,
                                              on_focus,
                                              set_frame,
                                              can_resize,
                                              check_size};
    static const vst_scale_table scale_table = {{scale_query, scale_ref, scale_unref}, set_scale};
    static const vst_timer_table timer_table = {{timer_query, timer_ref, timer_unref}, on_timer};
    vst_view *view = calloc(1, sizeof *view);
    if (view == NULL) return NULL;
    view->view = &view_table;
    view->scale = &scale_table;
    view->timer = &timer_table;
    view->references = 1;
    view->factor = tagplug_window_default_scale();
    set_sizes(view);
    view->face = face;
    (void)vst_face_ref(face);
    return view;
}
