/* Handing messages to a loop. */
#include "src/io/mailbox.h"

#include "base/alloc.h"
#include "base/check.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

/* What is much larger than what comes is given back above this. */
#define KEPT_COUNT 4096

static void on_readable(uv_poll_t *poll, int status, int events)
{
    struct mailbox *m = poll->data;
    uint64_t count;

    (void)status;
    (void)events;
    /* Empty it before the mail is taken: what comes after wakes again. */
    if (read(m->fd, &count, sizeof(count)) == sizeof(count)) {
        m->on_mail(m->context);
    }
}

int mailbox_init(struct mailbox *m,
                 uv_loop_t *loop,
                 void (*on_mail)(void *context),
                 void *context)
{
    memset(m, 0, sizeof(*m));
    check(pthread_mutex_init(&m->mutex, NULL) == 0);
    m->on_mail = on_mail;
    m->context = context;
    m->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (m->fd < 0) {
        return UV_EMFILE;
    }
    check(uv_poll_init(loop, &m->poll, m->fd) == 0);
    m->poll.data = m;
    return uv_poll_start(&m->poll, UV_READABLE, on_readable);
}

void mailbox_close(struct mailbox *m)
{
    uv_close((uv_handle_t *)&m->poll, NULL);
}

void mailbox_done(struct mailbox *m)
{
    if (m->fd >= 0) {
        close(m->fd);
    }
    pthread_mutex_destroy(&m->mutex);
    free(m->waiting);
    free(m->taken);
}

void mailbox_post(struct mailbox *m, const struct mail *mail, size_t count)
{
    const uint64_t one = 1;
    bool wake;

    if (count == 0) {
        return;
    }
    pthread_mutex_lock(&m->mutex);
    wake = m->waiting_count == 0;
    if (m->waiting_count + count > m->waiting_capacity) {
        m->waiting_capacity = (m->waiting_count + count) * 2;
        m->waiting = alloc_resize(m->waiting,
                                  m->waiting_capacity * sizeof(m->waiting[0]));
    }
    memcpy(m->waiting + m->waiting_count, mail, count * sizeof(*mail));
    m->waiting_count += count;
    pthread_mutex_unlock(&m->mutex);
    if (wake) {
        check(write(m->fd, &one, sizeof(one)) == sizeof(one));
    }
}

size_t mailbox_take(struct mailbox *m, const struct mail **ret)
{
    struct mail *old = m->taken;
    size_t old_capacity = m->taken_capacity;
    size_t count;

    pthread_mutex_lock(&m->mutex);
    count = m->waiting_count;
    m->taken = m->waiting;
    m->taken_capacity = m->waiting_capacity;
    if (old_capacity > KEPT_COUNT && count < old_capacity / 8) {
        free(old);
        old = NULL;
        old_capacity = 0;
    }
    m->waiting = old;
    m->waiting_capacity = old_capacity;
    m->waiting_count = 0;
    pthread_mutex_unlock(&m->mutex);
    *ret = m->taken;
    return count;
}
