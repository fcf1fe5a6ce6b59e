/* From files to shards. */
#include "src/io/server_tls.h"

#include "src/io/logger.h"
#include "src/io/tls_context.h"

void server_tls_reload(const struct server_tls *tls,
                       struct mailbox *const *shards,
                       unsigned shard_count)
{
    struct tls_context *context;
    struct why why;

    if (tls == NULL) {
        return;
    }
    if (tls_context_new_server(
            tls->certificate_file, tls->key_file, &context, &why) != 0) {
        logger_line(LOGGER_ERROR,
                    "tls.reload",
                    "reason=\"%s\" action=\"the old certificate stays\"",
                    why.text);
        return;
    }
    for (unsigned i = 0; i < shard_count; i++) {
        const struct mail mail = {.kind = MAIL_TLS,
                                  .content = tls_context_ref(context)};

        mailbox_post(shards[i], &mail, 1);
    }
    tls_context_unref(context);
    logger_line(
        LOGGER_INFO, "tls.reloaded", "file=\"%s\"", tls->certificate_file);
}
