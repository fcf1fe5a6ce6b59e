/* What the namespaces hold of the log, and which holds most for its share. */
#include "storage/index.h"
#include "storage/index_channel.h"

void index_share_ring(struct index *i, struct index_channel *c, uint32_t before)
{
    uint64_t more =
        index_channel_memory(c, c->capacity) - index_channel_memory(c, before);

    i->memory += more;
    c->space->memory += more;
}

void index_share_channel(struct index *i, struct index_channel *c, bool comes)
{
    uint64_t bytes = index_channel_memory(c, c->capacity);

    i->memory += comes ? bytes : -bytes;
    c->space->memory += comes ? bytes : -bytes;
}

struct heaviest {
    bool in_memory;
    const struct index_space *space;
    uint64_t weight;
};

static void weigh(struct map_node *node, void *context)
{
    const struct index_space *s = map_entry(node, struct index_space, node);
    struct heaviest *h = context;
    uint32_t share = s->window.share > 0 ? s->window.share : 1;
    uint64_t weight = (h->in_memory ? s->memory : s->bytes) / share;

    if (weight > 0 && (h->space == NULL || weight > h->weight)) {
        h->space = s;
        h->weight = weight;
    }
}

struct index_heavy index_share_heaviest(struct index *i, bool in_memory)
{
    struct heaviest h = {.in_memory = in_memory};
    struct index_heavy ret = {.from = UINT64_MAX};

    pthread_mutex_lock(&i->lock);
    map_each(&i->spaces, weigh, &h);
    if (h.space != NULL) {
        ret.name_space = h.space->node.key;
        ret.from = h.space->from;
    }
    pthread_mutex_unlock(&i->lock);
    return ret;
}

void index_share_walked(struct index *i,
                        struct bytes name_space,
                        uint64_t place)
{
    struct map_node *node;

    pthread_mutex_lock(&i->lock);
    node = map_find(&i->spaces, name_space);
    if (node != NULL) {
        struct index_space *s = map_entry(node, struct index_space, node);

        s->from = s->from > place ? s->from : place;
    }
    pthread_mutex_unlock(&i->lock);
}
