/* An intrusive doubly linked list. The head is a node of its own; an empty
 * list is a head that points at itself. */
#ifndef BASE_LIST_H
#define BASE_LIST_H

#include <stdbool.h>
#include <stddef.h>

struct list {
    struct list *next;
    struct list *prev;
};

/* The structure that holds `node` as its member `member`. */
#define list_entry(node, type, member) \
    ((type *)(void *)((char *)(node)-offsetof(type, member)))

#define list_each(node, head) \
    for (struct list *node = (head)->next; node != (head); node = node->next)

/* As list_each, but the body may remove `node`. */
#define list_each_safe(node, head)                                    \
    for (struct list *node = (head)->next, *node##_next = node->next; \
         node != (head);                                              \
         node = node##_next, node##_next = node->next)

static inline void list_init(struct list *head)
{
    head->next = head;
    head->prev = head;
}

static inline bool list_empty(const struct list *head)
{
    return head->next == head;
}

static inline void list_push_back(struct list *head, struct list *node)
{
    node->prev = head->prev;
    node->next = head;
    head->prev->next = node;
    head->prev = node;
}

/* Move all of `from` to the end of `head`; `from` is empty then. */
static inline void list_splice_back(struct list *head, struct list *from)
{
    if (list_empty(from)) {
        return;
    }
    from->next->prev = head->prev;
    head->prev->next = from->next;
    from->prev->next = head;
    head->prev = from->prev;
    list_init(from);
}

/* Also valid for a node that list_init() made and that is in no list. */
static inline void list_remove(struct list *node)
{
    node->prev->next = node->next;
    node->next->prev = node->prev;
    list_init(node);
}

/* The first node, removed, or NULL. */
static inline struct list *list_pop_front(struct list *head)
{
    struct list *node = head->next;

    if (node == head) {
        return NULL;
    }
    list_remove(node);
    return node;
}

#endif
