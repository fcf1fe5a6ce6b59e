/* Open addressing with linear probing. Removing moves later entries up, so that
 * no slot is lost to a mark and years of trimming leave the table as it was. */
#include "storage/key_table.h"

#include "base/alloc.h"
#include "base/check.h"

#include <stdlib.h>

#define SLOTS_MIN 64

void key_table_done(struct key_table *t)
{
    free(t->slots);
    *t = (struct key_table){0};
}

static size_t slot_after(const struct key_table *t, size_t slot)
{
    return (slot + 1) & (t->slot_count - 1);
}

static size_t slot_home(const struct key_table *t, uint64_t hash)
{
    return (size_t)hash & (t->slot_count - 1);
}

static void put(struct key_table *t, struct key_table_slot entry)
{
    size_t slot = slot_home(t, entry.hash);

    while (t->slots[slot].place != 0) {
        slot = slot_after(t, slot);
    }
    t->slots[slot] = entry;
}

static void resize(struct key_table *t, size_t slot_count)
{
    struct key_table_slot *old = t->slots;
    size_t old_count = t->slot_count;

    check(slot_count > t->count);
    t->slots = alloc_zero(slot_count * sizeof(*t->slots));
    t->slot_count = slot_count;
    for (size_t n = 0; n < old_count; n++) {
        if (old[n].place != 0) {
            put(t, old[n]);
        }
    }
    free(old);
}

void key_table_add(struct key_table *t, uint64_t hash, uint64_t place)
{
    check(place != 0);
    if (t->count >= t->slot_count / 4 * 3) {
        resize(t, t->slot_count == 0 ? SLOTS_MIN : t->slot_count * 2);
    }
    put(t, (struct key_table_slot){.hash = hash, .place = place});
    t->count++;
}

/* Fill the free slot `hole` with what could not be put into it before. */
static void close_hole(struct key_table *t, size_t hole)
{
    size_t mask = t->slot_count - 1;

    for (size_t slot = slot_after(t, hole); t->slots[slot].place != 0;
         slot = slot_after(t, slot)) {
        size_t home = slot_home(t, t->slots[slot].hash);

        /* Nearer to its home, and not before it. */
        if (((slot - home) & mask) >= ((slot - hole) & mask)) {
            t->slots[hole] = t->slots[slot];
            t->slots[slot].place = 0;
            hole = slot;
        }
    }
}

void key_table_remove(struct key_table *t, uint64_t hash, uint64_t place)
{
    size_t slot;

    if (t->count == 0) {
        return;
    }
    slot = slot_home(t, hash);
    while (t->slots[slot].place != place) {
        if (t->slots[slot].place == 0) {
            return;
        }
        slot = slot_after(t, slot);
    }
    t->slots[slot].place = 0;
    t->count--;
    close_hole(t, slot);
    if (t->slot_count > SLOTS_MIN && t->count < t->slot_count / 8) {
        resize(t, t->slot_count / 2);
    }
}

size_t key_table_find(const struct key_table *t,
                      uint64_t hash,
                      uint64_t *ret_places,
                      size_t max)
{
    size_t count = 0;

    if (t->count == 0) {
        return 0;
    }
    for (size_t slot = slot_home(t, hash);
         t->slots[slot].place != 0 && count < max;
         slot = slot_after(t, slot)) {
        if (t->slots[slot].hash == hash) {
            ret_places[count++] = t->slots[slot].place;
        }
    }
    return count;
}
