/* fuzz_lv2.c - a host that does anything a host may do, in any order: fuzz_lv2 [LIBRARY] SEED
 * STEPS. What it did last is printed when a check fails. */
#include "lv2_rack.h"

typedef struct {
    rack *rack;
    bool active;
    bool started; /* at least once, as it must be before audio passes */
    bool pure;    /* no slot ever had a target: audio passes bit for bit */
    uint32_t random;
    float *noise;
    state saved;
} player;

static uint32_t below(player *p, uint32_t end) {
    return next_number(&p->random) % end;
}

static float share(player *p) {
    return (float)below(p, 1001) / 1000;
}

/* ---- the steps ---- */

static void insert(player *p) {
    static const double rates[] = {8000, 22050, 44100, 48000, 48000, 96000, 192000, 7999, 400000};
    const bool offered = below(p, 8) != 0;
    p->rack = inserted(p->rack->plugin, rates[below(p, 9)], offered);
    *port(p->rack, TAGPLUG_MODEL) = (float)below(p, 2);
    p->active = p->started = false;
    p->pure = true;
}

static void start_or_stop(player *p) {
    if (p->active)
        p->rack->plugin->deactivate(p->rack->instance);
    else
        p->rack->plugin->activate(p->rack->instance);
    p->active = !p->active;
    p->started = true;
}

static void replace(player *p) {
    if (p->active) start_or_stop(p);
    rack *former = p->rack;
    insert(p);
    removed(former);
}

static float odd_number(player *p) {
    static const float odd[] = {NAN, INFINITY, -INFINITY, -1, 1e30F, -1e30F, 1e-40F, 0.5F, 256};
    return odd[below(p, sizeof odd / sizeof *odd)];
}

/* OSC goes to the discard port only. */
static void turn(player *p) {
    const uint32_t parameter =
        below(p, 6) == 0
            ? below(p, TAGPLUG_GLOBALS)
            : tagplug_field_of(below(p, TAGPLUG_SLOTS), (tagplug_field)below(p, TAGPLUG_FIELDS));
    const tagnode_plugin_parameter *about = tagnode_plugin_parameter_info(parameter);
    float value = tagplug_denormalise(parameter, share(p));
    if (below(p, 8) == 0) value = odd_number(p);
    if (parameter == TAGPLUG_OSC_PORT) value = below(p, 2) == 0 ? 0 : 9;
    if (parameter == TAGPLUG_MODEL && about->low <= value) value = (float)below(p, 3);
    *port(p->rack, parameter) = value;
    if (parameter >= TAGPLUG_GLOBALS &&
        (parameter - TAGPLUG_GLOBALS) % TAGPLUG_FIELDS == TAGPLUG_TARGET)
        p->pure = false;
}

static void rewire(player *p) {
    rack *r = p->rack;
    float *const in[] = {r->in[0], r->in[1]}, *const out[] = {r->out[0], r->out[1]};
    switch (below(p, 5)) {
    case 0: connect_audio(r, in[0], in[1], in[0], in[1]); break;
    case 1: connect_audio(r, in[0], in[1], in[1], in[0]); break;
    case 2: connect_audio(r, in[0], in[0], out[0], out[0]); break;
    default: connect_audio(r, in[0], in[1], out[0], out[1]); break;
    }
    connect_sidechain(r, below(p, 2) == 0 ? r->side[0] : NULL,
                      below(p, 2) == 0 ? r->side[1] : NULL);
    r->midi_room =
        below(p, 4) == 0 ? 8 + below(p, 256) : (uint32_t)(sizeof r->midi - sizeof(lv2_atom));
    r->ports[TAGPLUG_LV2_FREEWHEEL] = below(p, 8) == 0 ? 1 : 0;
#ifdef TAGNODE_REALTIME
    r->ports[TAGPLUG_LV2_FREEWHEEL] = 0; /* offline may wait */
#endif
}

static void keep_or_bring_back(player *p) {
    if (p->saved.count == 0 || below(p, 3) == 0) {
        save_to(p->rack, &p->saved);
        return;
    }
    state *given = malloc(sizeof *given);
    if (given == NULL) abort();
    *given = p->saved;
    if (below(p, 2) == 0) {
        const size_t i = below(p, (uint32_t)given->count);
        for (uint32_t flips = below(p, 4); flips > 0; --flips)
            given->kept[i].bytes[below(p, (uint32_t)given->kept[i].size)] ^=
                (unsigned char)(1U << below(p, 8));
        if (below(p, 4) == 0) given->kept[i].size = below(p, (uint32_t)given->kept[i].size + 1);
    }
    restore_from(p->rack, given);
    free(given);
    p->pure = false;
}

/* ---- a block ---- */

/* Returns whether all of it is finite. */
static bool fill(player *p, uint32_t frames) {
    rack *r = p->rack;
    const uint32_t kind = below(p, 10);
    const float level = kind == 0 ? 0 : share(p);
    for (uint32_t i = 0; i < frames; ++i) {
        r->in[0][i] = level * p->noise[i];
        r->in[1][i] = level * p->noise[MOST - i];
        r->side[0][i] = kind == 2 ? NAN : p->noise[MOST - i];
        r->side[1][i] = p->noise[i];
    }
    if (kind != 1 || frames == 0) return true;
    r->in[below(p, 2)][below(p, frames)] = odd_number(p);
    return false;
}

static void play(player *p) {
    rack *r = p->rack;
    const uint32_t frames = below(p, 16) == 0 ? below(p, 3) * (MOST / 2) : below(p, 600);
    const bool finite = fill(p, frames);
    run_block(r, frames);
    CHECK(r->ports[TAGPLUG_LV2_DELAY] == 0);
    if (r->midi.sequence.atom.type != 0) CHECK(midi_is_valid(r, frames));
    for (uint32_t i = TAGPLUG_INPUTS; i < TAGPLUG_PARAMETERS; ++i)
        CHECK(*port(r, i) >= tagnode_plugin_parameter_info(i)->low &&
              *port(r, i) <= tagnode_plugin_parameter_info(i)->high);
    for (uint32_t i = 0; finite && i < frames; ++i)
        CHECK(isfinite(r->played[0][i]) && isfinite(r->played[1][i]));
}

/* In the usual wiring, and with no effect yet. */
static void play_untouched(player *p) {
    rack *r = p->rack;
    const uint32_t frames = below(p, 600);
    connect_audio(r, r->in[0], r->in[1], r->out[0], r->out[1]);
    fill(p, frames);
    run_block(r, frames);
    if (!p->pure || !p->started) return;
    CHECK(memcmp(r->in[0], r->out[0], frames * sizeof(float)) == 0);
    CHECK(memcmp(r->in[1], r->out[1], frames * sizeof(float)) == 0);
}

static void step(player *p) {
    if (!p->active && below(p, 4) == 0) start_or_stop(p);
    switch (below(p, 128)) {
    case 0: replace(p); break;
    case 1: start_or_stop(p); break;
    case 2: rewire(p); break;
    case 3:
    case 4:
    case 5: keep_or_bring_back(p); break;
    case 6:
    case 7:
    case 8: play_untouched(p); break;
    default:
        if (below(p, 2) == 0)
            turn(p);
        else
            play(p);
    }
}

int main(int count, char **arguments) {
    if (count < 3) {
        fputs("fuzz_lv2 [LIBRARY] SEED STEPS\n", stderr);
        return EXIT_FAILURE;
    }
    static player p;
    rack first = {.plugin = plugin_of(count, arguments)};
    const unsigned long steps = strtoul(arguments[count - 1], NULL, 10);
    p.random = 2 * (uint32_t)strtoul(arguments[count - 2], NULL, 10) + 1;
    p.noise = white_noise(MOST + 1, 1);
    p.rack = &first;
    insert(&p);
    for (unsigned long i = 0; i < steps; ++i) {
        const unsigned failed = tally.failed;
        step(&p);
        if (tally.failed == failed) continue;
        fprintf(stderr, "at step %lu\n", i);
        break;
    }
    if (p.active) start_or_stop(&p);
    removed(p.rack);
    free(p.noise);
    return closing_line();
}
