/* A heap of what will happen, and pipes. */
#include "tests/sim/cluster_net.h"

#include "base/alloc.h"

#include <stdlib.h>

static bool is_before(const struct net_event *a, const struct net_event *b)
{
    return a->at_ms != b->at_ms ? a->at_ms < b->at_ms : a->serial < b->serial;
}

static void swap(struct net_queue *q, size_t a, size_t b)
{
    struct net_event event = q->heap[a];

    q->heap[a] = q->heap[b];
    q->heap[b] = event;
}

void net_push(struct net_queue *q, struct net_event event)
{
    size_t i = q->count++;

    if (q->count > q->capacity) {
        q->capacity = 2 * q->count;
        q->heap = alloc_resize(q->heap, q->capacity * sizeof(q->heap[0]));
    }
    event.serial = q->serial++;
    q->heap[i] = event;
    while (i > 0 && is_before(&q->heap[i], &q->heap[(i - 1) / 2])) {
        swap(q, i, (i - 1) / 2);
        i = (i - 1) / 2;
    }
}

bool net_pop(struct net_queue *q, uint64_t until_ms, struct net_event *ret)
{
    size_t i = 0;

    if (q->count == 0 || q->heap[0].at_ms > until_ms) {
        return false;
    }
    *ret = q->heap[0];
    q->heap[0] = q->heap[--q->count];
    for (;;) {
        size_t least = i;

        for (size_t child = 2 * i + 1; child <= 2 * i + 2; child++) {
            if (child < q->count &&
                is_before(&q->heap[child], &q->heap[least])) {
                least = child;
            }
        }
        if (least == i) {
            return true;
        }
        swap(q, i, least);
        i = least;
    }
}

void net_done(struct net_queue *q)
{
    for (size_t i = 0; i < q->count; i++) {
        free(q->heap[i].data);
    }
    free(q->heap);
    *q = (struct net_queue){0};
}

static struct net_socket *socket_new(struct list *sockets)
{
    struct net_socket *s = alloc_zero(sizeof(*s));

    list_init(&s->pieces);
    list_push_back(sockets, &s->entry);
    return s;
}

struct net_socket *net_socket_pair(struct list *sockets)
{
    struct net_socket *s = socket_new(sockets);

    s->other = socket_new(sockets);
    s->other->other = s;
    return s;
}

void net_socket_write(struct net_socket *s, uint64_t at_ms, struct bytes bytes)
{
    struct net_piece *piece = alloc_raw(sizeof(*piece) + bytes.len);

    if (at_ms < s->last_at_ms) {
        at_ms = s->last_at_ms;
    }
    s->last_at_ms = at_ms;
    piece->at_ms = at_ms;
    piece->len = bytes.len;
    if (bytes.len > 0) {
        memcpy(piece->data, bytes.data, bytes.len);
    }
    s->bytes += bytes.len;
    list_push_back(&s->pieces, &piece->entry);
}

struct net_piece *net_socket_first(struct net_socket *s)
{
    return list_empty(&s->pieces)
               ? NULL
               : list_entry(s->pieces.next, struct net_piece, entry);
}

void net_socket_drop_first(struct net_socket *s)
{
    struct net_piece *piece =
        list_entry(list_pop_front(&s->pieces), struct net_piece, entry);

    s->bytes -= piece->len;
    free(piece);
}

void net_sockets_free(struct list *sockets)
{
    struct list *entry;

    while ((entry = list_pop_front(sockets)) != NULL) {
        struct net_socket *s = list_entry(entry, struct net_socket, entry);

        while (!list_empty(&s->pieces)) {
            net_socket_drop_first(s);
        }
        free(s);
    }
}
