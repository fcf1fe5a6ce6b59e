/* Handing messages to a loop. */
#include "src/io/mailbox.h"

#include "base/alloc.h"
#include "base/check.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

int mailbox_init(struct mailbox *m, uv_loop_t *loop, uv_async_cb on_mail)
{
    memset(m, 0, sizeof(*m));
    check(pthread_mutex_init(&m->mutex, NULL) == 0);
    return uv_async_init(loop, &m->async, on_mail);
}

void mailbox_close(struct mailbox *m)
{
    uv_close((uv_handle_t *)&m->async, NULL);
}

void mailbox_done(struct mailbox *m)
{
    pthread_mutex_destroy(&m->mutex);
    free(m->waiting);
    free(m->taken);
}

void mailbox_post(struct mailbox *m, const struct mail *mail, size_t count)
{
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
        uv_async_send(&m->async);
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
    m->waiting = old;
    m->waiting_capacity = old_capacity;
    m->waiting_count = 0;
    pthread_mutex_unlock(&m->mutex);
    *ret = m->taken;
    return count;
}
