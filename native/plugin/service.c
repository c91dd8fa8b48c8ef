#include "service.h"

#include <math.h>

#include "ears.h"
#include "osc.h"

enum {
    PASS_MS = 10,
    OSC_PASSES = 2,    /* values are sent at most so often */
    RETRY_PASSES = 200 /* a missing file is looked for again */
};

static struct {
    tagplug_lock gate; /* held by who starts or ends the thread */
    tagplug_lock list; /* held for one instance at a time */
    tagplug *first;
    tagplug_thread thread;
    bool running, forks; /* the latter: a fork is prepared for */
    _Atomic bool stop;
} service = {.gate = TAGPLUG_LOCK, .list = TAGPLUG_LOCK};

static void send_values(tagplug *plugin, intptr_t *socket) {
    const uint16_t port = (uint16_t)tagplug_read(plugin, TAGPLUG_OSC_PORT);
    const bool other = port != plugin->sent_port;
    plugin->sent_port = port;
    if (port == 0) return;
    if (*socket < 0) *socket = tagplug_udp_open();
    if (*socket < 0) return;
    for (uint32_t i = 0; i < TAGPLUG_SLOTS; ++i) {
        const float value = tagplug_read(plugin, TAGPLUG_VALUE_1 + i);
        if (value == plugin->sent[i] && !other) continue;
        plugin->sent[i] = value;
        unsigned char packet[TAGPLUG_OSC_SIZE];
        tagplug_osc(i, value, packet);
        tagplug_udp_send(*socket, port, packet, sizeof packet);
    }
}

/* Looks after the instance at this place in the list; false where it ends. */
static bool visit(uint32_t place, uint32_t pass, intptr_t *socket) {
    tagplug_lock_take(&service.list);
    tagplug *plugin = service.first;
    for (; plugin != NULL && place > 0; --place) plugin = plugin->following;
    if (plugin != NULL) {
        tagplug_catch_up(plugin, pass % RETRY_PASSES == 0);
        if (pass % OSC_PASSES == 0) send_values(plugin, socket);
    }
    tagplug_lock_give(&service.list);
    return plugin != NULL;
}

static void run(void) {
    intptr_t socket = -1;
    for (uint32_t pass = 1; !atomic_load(&service.stop); ++pass) {
        for (uint32_t place = 0; visit(place, pass, &socket); ++place) {}
        tagplug_sleep(PASS_MS);
    }
    tagplug_udp_close(socket);
}

/* A child must not inherit locks that the thread holds, nor wait for a thread that it has not. Who
 * is active there is served again when an instance is activated. */
static void before_fork(void) {
    tagplug_lock_take(&service.gate);
    tagplug_lock_take(&service.list);
}

static void after_fork(void) {
    tagplug_lock_give(&service.list);
    tagplug_lock_give(&service.gate);
}

static void after_fork_in_child(void) {
    service.running = false;
    after_fork();
}

void tagplug_serve(tagplug *plugin) {
    tagplug_lock_take(&service.gate);
    if (!service.forks) tagplug_at_fork(before_fork, after_fork, after_fork_in_child);
    service.forks = true;
    tagplug_lock_take(&service.list);
    plugin->following = service.first;
    service.first = plugin;
    tagplug_lock_give(&service.list);
    if (!service.running) {
        atomic_store(&service.stop, false);
        service.running = tagplug_thread_start(&service.thread, run);
    }
    tagplug_lock_give(&service.gate);
}

void tagplug_unserve(tagplug *plugin) {
    tagplug_lock_take(&service.gate);
    tagplug_lock_take(&service.list);
    tagplug **place = &service.first;
    while (*place != NULL && *place != plugin) place = &(*place)->following;
    if (*place != NULL) *place = plugin->following;
    const bool last = service.first == NULL;
    tagplug_lock_give(&service.list);
    if (last && service.running) {
        atomic_store(&service.stop, true);
        tagplug_thread_join(service.thread);
        service.running = false;
    }
    tagplug_lock_give(&service.gate);
}
