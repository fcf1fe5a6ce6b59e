# A new unit test is one line in the list of its floor; a new fuzz target one in
# FUZZ_TARGETS; a new script one in LINT_TESTS or E2E_TESTS.

check_LIBRARIES += libtap.a libreplay.a
libtap_a_SOURCES = %D%/lib/tap.c %D%/lib/tap.h %D%/lib/log_fixture.h \
	%D%/lib/damage.h %D%/lib/replay_world.h \
	%D%/lib/http_bench.h %D%/lib/ws_bench.h \
	%D%/lib/membership_bench.h \
	%D%/lib/peer.c %D%/lib/peer.h \
	%D%/lib/shard_peer.c %D%/lib/shard_peer.h \
	%D%/lib/shard_world.c %D%/lib/shard_world.h
libreplay_a_SOURCES = %D%/fuzz/replay.c

UNIT_BASE = \
	%D%/unit/test_alloc \
	%D%/unit/test_buffer \
	%D%/unit/test_bytes \
	%D%/unit/test_check \
	%D%/unit/test_cleanup \
	%D%/unit/test_event \
	%D%/unit/test_hash \
	%D%/unit/test_heap \
	%D%/unit/test_histogram \
	%D%/unit/test_list \
	%D%/unit/test_map \
	%D%/unit/test_moment \
	%D%/unit/test_rc \
	%D%/unit/test_text \
	%D%/unit/test_vector \
	%D%/unit/test_visible \
	%D%/unit/test_why

UNIT_PROTO = \
	%D%/unit/test_api_key \
	%D%/unit/test_channel_name \
	%D%/unit/test_client_msg \
	%D%/unit/test_answer \
	%D%/unit/test_client_msg_keys \
	%D%/unit/test_client_request \
	%D%/unit/test_cluster_secret \
	%D%/unit/test_credentials \
	%D%/unit/test_cursor \
	%D%/unit/test_gossip \
	%D%/unit/test_http_body \
	%D%/unit/test_http_date \
	%D%/unit/test_http_head \
	%D%/unit/test_http_reply \
	%D%/unit/test_http_request \
	%D%/unit/test_http_request_limits \
	%D%/unit/test_http_response \
	%D%/unit/test_http_rules \
	%D%/unit/test_idempotency \
	%D%/unit/test_json \
	%D%/unit/test_json_grammar \
	%D%/unit/test_json_string \
	%D%/unit/test_peer \
	%D%/unit/test_peer_events \
	%D%/unit/test_problem \
	%D%/unit/test_query \
	%D%/unit/test_seal \
	%D%/unit/test_server_msg \
	%D%/unit/test_ws_accept \
	%D%/unit/test_ws_deflate \
	%D%/unit/test_ws_feed \
	%D%/unit/test_ws_frame \
	%D%/unit/test_ws_stream \
	%D%/unit/test_ws_stream_close

UNIT_STORAGE = \
	%D%/fault/test_log_damage \
	%D%/fault/test_log_full \
	%D%/fault/test_log_io \
	%D%/fault/test_log_kill \
	%D%/fault/test_log_repair \
	%D%/unit/test_index \
	%D%/unit/test_key_table \
	%D%/unit/test_log \
	%D%/unit/test_log_find \
	%D%/unit/test_log_seek \
	%D%/unit/test_log_prune \
	%D%/unit/test_log_share \
	%D%/unit/test_log_show \
	%D%/unit/test_log_window \
	%D%/unit/test_record
tests_fault_test_log_io_SOURCES = %D%/fault/test_log_io.c \
	%D%/lib/fault_io.c %D%/lib/fault_io.h

UNIT_CLUSTER = \
	%D%/sim/membership_scenarios \
	%D%/sim/membership_sim \
	%D%/unit/test_dissemination \
	%D%/unit/test_handshake \
	%D%/unit/test_hub \
	%D%/unit/test_inflight \
	%D%/unit/test_link \
	%D%/unit/test_replication \
	%D%/unit/test_member_list \
	%D%/unit/test_membership \
	%D%/unit/test_membership_table \
	%D%/unit/test_replication_repair \
	%D%/unit/test_sealed_stream \
	%D%/unit/test_suspicion
tests_sim_membership_scenarios_SOURCES = %D%/sim/membership_scenarios.c \
	%D%/sim/membership_world.c %D%/sim/membership_world.h \
	%D%/sim/sim_address.h
tests_sim_membership_sim_SOURCES = %D%/sim/membership_sim.c \
	%D%/sim/membership_world.c %D%/sim/membership_world.h \
	%D%/sim/sim_address.h

# Hubs, committers and shards on logs of disks that are simulated, and clients.
SIM_CLUSTER = %D%/sim/weir_sim
EXTRA_DIST += %D%/sim/seeds
tests_sim_weir_sim_SOURCES = %D%/sim/weir_sim.c \
	%D%/sim/cluster_check.c %D%/sim/cluster_check.h \
	%D%/sim/cluster_client.c %D%/sim/cluster_client.h \
	%D%/sim/cluster_disk.c %D%/sim/cluster_disk.h \
	%D%/sim/cluster_faults.c %D%/sim/cluster_faults.h \
	%D%/sim/cluster_mend.c %D%/sim/cluster_mend.h \
	%D%/sim/cluster_net.c %D%/sim/cluster_net.h \
	%D%/sim/cluster_node.c \
	%D%/sim/cluster_pages.c %D%/sim/cluster_pages.h \
	%D%/sim/cluster_rules.c \
	%D%/sim/cluster_settle.c \
	%D%/sim/cluster_shard.c \
	%D%/sim/cluster_view.c %D%/sim/cluster_view.h \
	%D%/sim/cluster_world.c %D%/sim/cluster_world.h \
	%D%/sim/sim_address.h
$(SIM_CLUSTER): FLOOR = $(LINK_IO)
$(SIM_CLUSTER): $(IO_LIBS)

# A table for doc/performance, printed by hand.
SIM_TABLES = %D%/sim/membership_table
tests_sim_membership_table_SOURCES = %D%/sim/membership_table.c \
	%D%/sim/membership_world.c %D%/sim/membership_world.h \
	%D%/sim/sim_address.h
$(SIM_TABLES): FLOOR = $(LINK_CLUSTER)
$(SIM_TABLES): $(CLUSTER_LIBS)

UNIT_BRIDGE = \
	%D%/unit/test_admission \
	%D%/unit/test_authority \
	%D%/unit/test_bad_keys \
	%D%/unit/test_batch \
	%D%/unit/test_catchup \
	%D%/unit/test_client_table \
	%D%/unit/test_cluster_api \
	%D%/unit/test_commit \
	%D%/unit/test_console \
	%D%/unit/test_deadline \
	%D%/unit/test_delivery \
	%D%/unit/test_event_stream \
	%D%/unit/test_history \
	%D%/unit/test_http_answer \
	%D%/unit/test_http_api \
	%D%/unit/test_http_judge \
	%D%/unit/test_http_publish \
	%D%/unit/test_intake \
	%D%/unit/test_lease \
	%D%/unit/test_metrics \
	%D%/unit/test_namespace \
	%D%/unit/test_publish \
	%D%/unit/test_recall \
	%D%/unit/test_refusals \
	%D%/unit/test_repeats \
	%D%/unit/test_replay \
	%D%/unit/test_replay_gap \
	%D%/unit/test_sequencer \
	%D%/unit/test_shard \
	%D%/unit/test_shard_leftovers \
	%D%/unit/test_shard_model \
	%D%/unit/test_subscription \
	%D%/unit/test_token \
	%D%/unit/test_unfinished \
	%D%/unit/test_ws_session

UNIT_IO = \
	%D%/unit/test_acceptor \
	%D%/unit/test_certificate \
	%D%/unit/test_clock \
	%D%/unit/test_file \
	%D%/unit/test_http_client \
	%D%/unit/test_issuer \
	%D%/unit/test_line_input \
	%D%/unit/test_listener \
	%D%/unit/test_liveness \
	%D%/unit/test_log_thread \
	%D%/unit/test_log_view \
	%D%/unit/test_logger \
	%D%/unit/test_logger_flood \
	%D%/unit/test_mailbox \
	%D%/unit/test_signals \
	%D%/unit/test_memory \
	%D%/unit/test_outbound \
	%D%/unit/test_tls \
	%D%/unit/test_token_secret \
	%D%/unit/test_ws_client
tests_unit_test_log_thread_SOURCES = %D%/unit/test_log_thread.c \
	%D%/lib/fault_io.c %D%/lib/fault_io.h

UNIT_PROGRAM = \
	%D%/unit/test_address \
	%D%/unit/test_bench \
	%D%/unit/test_bench_channel \
	%D%/unit/test_bench_event \
	%D%/unit/test_bench_frames \
	%D%/unit/test_bench_report \
	%D%/unit/test_bench_server \
	%D%/unit/test_client \
	%D%/unit/test_client_list \
	%D%/unit/test_config_text \
	%D%/unit/test_dev \
	%D%/unit/test_drain \
	%D%/unit/test_duration \
	%D%/unit/test_option_number \
	%D%/unit/test_options \
	%D%/unit/test_pub_batch \
	%D%/unit/test_settings \
	%D%/unit/test_settings_file \
	%D%/unit/test_settings_print \
	%D%/unit/test_sub_begin \
	%D%/unit/test_sub_channels \
	%D%/unit/test_sub_output \
	%D%/unit/test_timestamp \
	%D%/unit/test_url

FUZZ_TARGETS = \
	%D%/fuzz/fuzz_api_key \
	%D%/fuzz/fuzz_channel_name \
	%D%/fuzz/fuzz_client_msg \
	%D%/fuzz/fuzz_credentials \
	%D%/fuzz/fuzz_cursor \
	%D%/fuzz/fuzz_gossip \
	%D%/fuzz/fuzz_handshake \
	%D%/fuzz/fuzz_http_request \
	%D%/fuzz/fuzz_http_response \
	%D%/fuzz/fuzz_json \
	%D%/fuzz/fuzz_peer \
	%D%/fuzz/fuzz_query \
	%D%/fuzz/fuzz_record \
	%D%/fuzz/fuzz_server_msg \
	%D%/fuzz/fuzz_settings \
	%D%/fuzz/fuzz_shard \
	%D%/fuzz/fuzz_ws_deflate \
	%D%/fuzz/fuzz_ws_stream

LINT_TESTS = \
	%D%/lint/format.test \
	%D%/lint/hardening.test \
	%D%/lint/headers.test \
	%D%/lint/layers.test \
	%D%/lint/listed.test \
	%D%/lint/manual.test \
	%D%/lint/purity.test \
	%D%/lint/said.test \
	%D%/lint/sizes.test \
	%D%/lint/symbols.test

E2E_TESTS = \
	%D%/e2e/amplify.test \
	%D%/e2e/bad_input.test \
	%D%/e2e/bench.test \
	%D%/e2e/chromium.test \
	%D%/e2e/cluster.test \
	%D%/e2e/cluster_amplify.test \
	%D%/e2e/cluster_bad_input.test \
	%D%/e2e/cluster_netns.test \
	%D%/e2e/config.test \
	%D%/e2e/console.test \
	%D%/e2e/crash.test \
	%D%/e2e/disk.test \
	%D%/e2e/event_source.test \
	%D%/e2e/herd.test \
	%D%/e2e/hostile_server.test \
	%D%/e2e/http.test \
	%D%/e2e/idempotency.test \
	%D%/e2e/key.test \
	%D%/e2e/keys.test \
	%D%/e2e/lifecycle.test \
	%D%/e2e/log.test \
	%D%/e2e/node_websocket.test \
	%D%/e2e/ports.test \
	%D%/e2e/protocol.test \
	%D%/e2e/proxies.test \
	%D%/e2e/pub_sub.test \
	%D%/e2e/repair.test \
	%D%/e2e/replay.test \
	%D%/e2e/replay_checker.test \
	%D%/e2e/replay_protocol.test \
	%D%/e2e/rfc_6455.test \
	%D%/e2e/rfc_9110.test \
	%D%/e2e/rfc_9112.test \
	%D%/e2e/share.test \
	%D%/e2e/slow.test \
	%D%/e2e/status.test \
	%D%/e2e/vanished.test \
	%D%/e2e/unfinished.test \
	%D%/e2e/websockets.test \
	%D%/e2e/windows.test \
	%D%/e2e/weir_js.test

UNIT_TESTS = $(UNIT_BASE) $(UNIT_PROTO) $(UNIT_STORAGE) $(UNIT_CLUSTER) \
	$(UNIT_BRIDGE) $(SIM_CLUSTER) $(UNIT_IO) $(UNIT_PROGRAM)
# What `make bench` builds for %D%/bench/ratios to measure weir against.
BENCH_TARGETS = \
	%D%/bench/floor \
	%D%/bench/lmdb_floor
EXTRA_DIST += %D%/bench/ratios %D%/bench/slow_subscribers \
	%D%/bench/cluster_ratios %D%/bench/hostile
$(BENCH_TARGETS): FLOOR = $(LINK_PROGRAM)
$(BENCH_TARGETS): $(PROGRAM_LIBS)

.PHONY: bench
bench: weir $(BENCH_TARGETS)

check_PROGRAMS += $(UNIT_TESTS) $(FUZZ_TARGETS) $(BENCH_TARGETS) \
	$(SIM_TABLES)

# Built when asked for: make tests/bench/bench_log. bench_json needs the Debian
# package libjson-c-dev.
BENCH_LOG = %D%/bench/bench_log
BENCH_JSON = %D%/bench/bench_json
BENCH_LINK = %D%/bench/bench_link
BENCH_WINDOW = %D%/bench/bench_window
EXTRA_PROGRAMS = $(BENCH_LOG) $(BENCH_JSON) $(BENCH_LINK) $(BENCH_WINDOW)
CLEANFILES += $(EXTRA_PROGRAMS)
$(BENCH_LOG) $(BENCH_WINDOW): FLOOR = $(LINK_STORAGE)
$(BENCH_LOG): libtap.a $(STORAGE_LIBS)
$(BENCH_JSON): FLOOR = $(LINK_PROTO) -ljson-c
$(BENCH_JSON): libtap.a $(PROTO_LIBS)
$(BENCH_LINK): FLOOR = $(LINK_CLUSTER)
$(BENCH_LINK): libtap.a $(CLUSTER_LIBS)

# A test links its own floor and those below, so that an arrow upwards does not
# link. FLOOR is what the program being made may link.
LDADD = libtap.a $(FLOOR)
$(check_PROGRAMS): libtap.a
$(UNIT_BASE): FLOOR = $(LINK_BASE)
$(UNIT_BASE): $(BASE_LIBS)
$(UNIT_PROTO): FLOOR = $(LINK_PROTO)
$(UNIT_PROTO): $(PROTO_LIBS)
$(UNIT_STORAGE): FLOOR = $(LINK_STORAGE)
$(UNIT_STORAGE): $(STORAGE_LIBS)
$(UNIT_CLUSTER): FLOOR = $(LINK_CLUSTER)
$(UNIT_CLUSTER): $(CLUSTER_LIBS)
$(UNIT_BRIDGE): FLOOR = $(LINK_BRIDGE)
$(UNIT_BRIDGE): $(BRIDGE_LIBS)
$(UNIT_IO): FLOOR = $(LINK_IO)
$(UNIT_IO): $(IO_LIBS)
$(UNIT_PROGRAM): FLOOR = $(LINK_PROGRAM)
$(UNIT_PROGRAM): $(PROGRAM_LIBS)

# A fuzz target is one body with two mains: libFuzzer's, or one that replays the
# target's corpus in `make check`.
if FUZZER
FUZZ_MAIN = -fsanitize=fuzzer
FUZZ_REPLAYED =
else
FUZZ_MAIN = libreplay.a
FUZZ_REPLAYED = $(FUZZ_TARGETS)
endif
$(FUZZ_TARGETS): FLOOR = $(FUZZ_MAIN) $(LINK_PROGRAM)
$(FUZZ_TARGETS): libreplay.a $(PROGRAM_LIBS)

# TESTS_E2E= on the command line leaves the end-to-end tests out, TESTS_LINT= the
# lints.
TESTS_LINT = $(LINT_TESTS)
TESTS_E2E = $(E2E_TESTS)
TESTS = $(UNIT_TESTS) $(FUZZ_REPLAYED) $(TESTS_LINT) $(TESTS_E2E)
EXTRA_DIST += $(LINT_TESTS) %D%/lint/lib.sh %D%/README %D%/e2e %D%/fuzz/corpus \
	%D%/fuzz/sessions %D%/fuzz/walk %D%/report

TEST_EXTENSIONS = .test
TAP_DRIVER = env AM_TAP_AWK='$(AWK)' $(SHELL) \
	$(top_srcdir)/build-aux/tap-driver.sh
LOG_DRIVER = $(TAP_DRIVER)
TEST_LOG_DRIVER = $(TAP_DRIVER)

# A test that hangs is ended and fails.
UNIT_SECONDS_MAX = 300
E2E_SECONDS_MAX = 600
LOG_COMPILER = timeout $(UNIT_SECONDS_MAX)
TEST_LOG_COMPILER = timeout $(E2E_SECONDS_MAX)

AM_TESTS_ENVIRONMENT = \
	top_srcdir='$(abs_top_srcdir)'; export top_srcdir; \
	top_builddir='$(abs_top_builddir)'; export top_builddir; \
	CC='$(CC)'; export CC; \
	CFLAGS='$(CFLAGS)'; export CFLAGS; \
	CPPFLAGS='$(AM_CPPFLAGS) $(CPPFLAGS)'; export CPPFLAGS; \
	sanitizers='$(sanitizers)'; export sanitizers; \
	NM='$(NM)'; export NM; \
	AWK='$(AWK)'; export AWK; \
	TSAN_OPTIONS="halt_on_error=1 $$TSAN_OPTIONS"; export TSAN_OPTIONS; \
	UBSAN_OPTIONS="print_stacktrace=1 $$UBSAN_OPTIONS"; \
	export UBSAN_OPTIONS;

# Fuzz each target for FUZZ_SECONDS; what is found is left in the build
# directory. Needs configure --enable-fuzzer.
FUZZ_SECONDS = 60
.PHONY: fuzz
fuzz: $(FUZZ_TARGETS)
if FUZZER
	@for target in $(FUZZ_TARGETS); do \
	  name=$${target##*/fuzz_}; \
	  echo "fuzz: $$name, $(FUZZ_SECONDS) s"; \
	  $(MKDIR_P) tests/fuzz/found/$$name; \
	  ./$$target -max_total_time=$(FUZZ_SECONDS) -timeout=10 \
	    -rss_limit_mb=1024 -artifact_prefix=tests/fuzz/$$name- \
	    tests/fuzz/found/$$name $(srcdir)/tests/fuzz/corpus/$$name \
	    >tests/fuzz/$$name.out 2>&1 || \
	    { tail -n 50 tests/fuzz/$$name.out; exit 1; }; \
	done
else
	@echo 'configure with CC=clang --enable-fuzzer first' >&2; exit 1
endif

# Sessions of hostile and ordinary clients against live nodes for
# SESSIONS_SECONDS, alone and in a cluster of three; what a sanitizer says is a
# finding, so a build with one is best.
SESSIONS_SECONDS = 60
SESSIONS_OPTIONS =
.PHONY: sessions
sessions: weir
	@for nodes in 1 3; do \
	  top_builddir='$(abs_top_builddir)' sanitizers='$(sanitizers)' \
	  $(srcdir)/tests/fuzz/sessions --nodes $$nodes \
	    --seconds $(SESSIONS_SECONDS) $(SESSIONS_OPTIONS) || exit 1; \
	done

# The share of each file's lines that `make check` reaches. Needs configure
# --enable-coverage, with gcc.
.PHONY: coverage
coverage: check
	@find base proto storage cluster src -name '*.gcda' -exec gcov -n {} + \
	  2>/dev/null | $(AWK) -F"'" ' \
	    /^File/ { file = $$2 } \
	    /^Lines executed/ && file !~ /^\/usr|pb-c/ { \
	      sub(/^Lines executed:/, ""); print $$0 "  " file; file = "/usr" \
	    }' | sort -n
