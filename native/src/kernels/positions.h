/* positions.h - the end of a table whose tiles differ in their number of positions only: `run_tile`
 * by the `tile` of its file. MOST_POSITIONS is 4 or 5. */
#pragma once

TILE(tile_1, 1)
TILE(tile_2, 2)
TILE(tile_3, 3)
TILE(tile_4, 4)
#if MOST_POSITIONS > 4
TILE(tile_5, 5)
static tile_function *const tiles[] = {tile_1, tile_2, tile_3, tile_4, tile_5};
#else
static tile_function *const tiles[] = {tile_1, tile_2, tile_3, tile_4};
#endif

static void run_tile(const tile_job *job) {
    tiles[job->positions - 1](job);
}
