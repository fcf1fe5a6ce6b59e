/* The sockets stand in the order of their turns, which are as far apart as
 * they came: no moment has to look at all of them. */
#include "src/io/socket_watch.h"

#include "base/check.h"
#include "src/io/shard_loop.h"

static void on_timer(uv_timer_t *timer);

/* The timer runs on to the turn of a socket that has left by then. */
static void rearm(struct socket_watch *w)
{
    uint64_t now_ms = uv_now(w->timer.loop);
    struct socket *first;

    if (list_empty(&w->sockets)) {
        return;
    }
    first = list_entry(w->sockets.next, struct socket, watch_node);
    check(uv_timer_start(&w->timer,
                         on_timer,
                         first->look_ms > now_ms ? first->look_ms - now_ms : 0,
                         0) == 0);
}

static void schedule(struct socket_watch *w, struct socket *s)
{
    s->look_ms = uv_now(w->timer.loop) + liveness_interval_ms(w->silence_ms);
    list_remove(&s->watch_node);
    list_push_back(&w->sockets, &s->watch_node);
}

static void look(struct socket_watch *w, struct socket *s)
{
    uint32_t told_ms = s->liveness.timeout_ms;
    struct liveness_sign sign;

    if (!liveness_read(s->fd, &sign) ||
        !liveness_look(
            &s->liveness, uv_now(w->timer.loop), w->silence_ms, &sign)) {
        metrics_add(w->metrics, connections_silent, 1);
        shard_loop_ended(w->loop, s, true);
    } else if (s->liveness.timeout_ms != told_ms) {
        liveness_tell(s->fd, s->liveness.timeout_ms);
    }
}

static void on_timer(uv_timer_t *timer)
{
    struct socket_watch *w = timer->data;
    uint64_t now_ms = uv_now(timer->loop);

    while (!list_empty(&w->sockets)) {
        struct socket *s =
            list_entry(w->sockets.next, struct socket, watch_node);

        if (s->look_ms > now_ms) {
            break;
        }
        schedule(w, s);
        look(w, s);
    }
    rearm(w);
    shard_loop_end_turn(w->loop);
}

void socket_watch_start(struct socket_watch *w,
                        struct shard_loop *loop,
                        struct metrics *metrics,
                        uint64_t silence_ms)
{
    w->loop = loop;
    w->metrics = metrics;
    w->silence_ms = silence_ms;
    list_init(&w->sockets);
    check(uv_timer_init(shard_loop_uv(loop), &w->timer) == 0);
    w->timer.data = w;
}

void socket_watch_stop(struct socket_watch *w)
{
    uv_close((uv_handle_t *)&w->timer, NULL);
}

void socket_watch_add(struct socket_watch *w, struct socket *s)
{
    schedule(w, s);
    if (uv_is_active((uv_handle_t *)&w->timer) == 0) {
        rearm(w);
    }
}
