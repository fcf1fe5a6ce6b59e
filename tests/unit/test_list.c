/* The intrusive list keeps its order, and a node may leave at any time. */
#include "base/list.h"
#include "tests/lib/tap.h"

struct item {
    int number;
    struct list link;
};

static struct item *item_of(struct list *node)
{
    return list_entry(node, struct item, link);
}

static void push_three(struct list *head, struct item items[3])
{
    list_init(head);
    for (int i = 0; i < 3; i++) {
        items[i].number = i + 1;
        list_push_back(head, &items[i].link);
    }
}

static int digits_of(const struct list *head)
{
    int digits = 0;

    list_each(node, head)
    {
        digits = digits * 10 + item_of(node)->number;
    }
    return digits;
}

TAP_CASE(a_new_list_is_empty)
{
    struct list head;

    list_init(&head);

    tap_check(list_empty(&head));
    tap_check(list_pop_front(&head) == NULL);
    tap_equal(digits_of(&head), 0);
}

TAP_CASE(nodes_come_out_as_they_went_in)
{
    struct list head;
    struct item items[3];

    push_three(&head, items);

    tap_equal(digits_of(&head), 123);
    tap_equal(item_of(list_pop_front(&head))->number, 1);
    tap_equal(item_of(list_pop_front(&head))->number, 2);
    tap_equal(item_of(list_pop_front(&head))->number, 3);
    tap_check(list_empty(&head));
}

TAP_CASE(a_node_may_leave_from_the_middle_and_come_back_last)
{
    struct list head;
    struct item items[3];

    push_three(&head, items);
    list_remove(&items[1].link);
    tap_equal(digits_of(&head), 13);
    list_push_back(&head, &items[1].link);
    tap_equal(digits_of(&head), 132);
}

TAP_CASE(a_node_may_be_removed_twice)
{
    struct list head;
    struct item items[3];

    push_three(&head, items);
    list_remove(&items[0].link);
    list_remove(&items[0].link);

    tap_equal(digits_of(&head), 23);
}

TAP_CASE(the_safe_walk_allows_removing_each_node)
{
    struct list head;
    struct item items[3];
    int digits = 0;

    push_three(&head, items);
    list_each_safe(node, &head)
    {
        digits = digits * 10 + item_of(node)->number;
        list_remove(node);
    }

    tap_equal(digits, 123);
    tap_check(list_empty(&head));
}

TAP_MAIN()
