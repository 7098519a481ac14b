// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Planning and running deliveries on a clock that the test moves, with a double of certherd-deliver
 * that ends when the test says so, and of the bus.
 */
#include <glib/gstdio.h>
#include <string.h>

#include "core/deliveries-private.h"
#include "core/launcher-private.h"
#include "manual-clock.h"
#include "plugin/error.h"
#include "state-fixture.h"

#define UID 1000
#define MINUTE (G_GINT64_CONSTANT (60) * HERD_SECOND)

typedef struct {
  HerdLauncher launcher;
  GHashTable *running; /* target → GTask, until end_run() */
  guint n_started;
} Launcher;

typedef struct {
  StateFixture state;
  HerdServices services;
  char *config;
  Launcher launcher;
  HerdDeliveries *deliveries;
  HerdCertificate *certificate; /* the registry's */
  GString *told;                /* "NAME N;" for each Updated */
  guint64 last_subscription;
} Fixture;

static void
launch (HerdLauncher *launcher, const char *target, GTask *task)
{
  Launcher *self = (Launcher *) launcher;

  self->n_started++;
  g_assert_false (g_hash_table_contains (self->running, target));
  g_hash_table_insert (self->running, g_strdup (target), g_object_ref (task));
}

static void
updated (const HerdSubscription *subscription, guint64 certificate, const char *name,
         guint64 generation, gpointer data)
{
  Fixture *fixture = data;

  g_string_append_printf (fixture->told, "%s %" G_GUINT64_FORMAT ";", name, generation);
}

static void
ignore_change (HerdNoun noun, guint64 id, gpointer data)
{}

static void
ignore_attention (HerdNoun noun, guint64 id, const char *severity, const char *code,
                  const char *message, gpointer data)
{}

static void
ignore_certificate (guint64 certificate, gpointer data)
{}

static const HerdObserver observer = {
  .added = ignore_change,
  .changed = ignore_change,
  .removed = ignore_change,
  .attention = ignore_attention,
  .updated = updated,
};

static void
settle (void)
{
  while (g_main_context_iteration (NULL, FALSE))
    continue;
}

static void
configure (Fixture *fixture, const char *text)
{
  g_autofree char *file = g_build_filename (fixture->config, "certherd.conf", NULL);

  g_assert_true (g_file_set_contents (file, text, -1, NULL));
  herd_config_unref (fixture->services.config);
  fixture->services.config = herd_config_load (fixture->config);
  g_assert_cmpuint (herd_config_get_problems (fixture->services.config)->len, ==, 0);
}

static HerdCertificate *
add_certificate (Fixture *fixture, guint64 id, const char *name, const char *const *targets)
{
  g_auto (GVariantDict) spec = G_VARIANT_DICT_INIT (NULL);
  const char *const identifiers[] = { "www.example.org", NULL };
  const char *const readers[] = { "1000", NULL };
  HerdCertificate *certificate;
  HerdBatch *batch = herd_batch_new ();

  g_variant_dict_insert (&spec, "identifiers", "^as", identifiers);
  g_variant_dict_insert (&spec, "deliver", "^as", targets);
  g_variant_dict_insert (&spec, "readers", "^as", readers);
  certificate = herd_certificate_new (id, name, UID, HERD_ORIGIN_BUS,
                                      g_variant_ref_sink (g_variant_dict_end (&spec)));
  herd_registry_add_certificate (fixture->services.registry, certificate);
  herd_deliveries_plan (fixture->deliveries, certificate, batch);
  commit_ok (fixture->state.state, batch);
  return certificate;
}

/* What is to be committed. */
static HerdBatch *
plan_targets (Fixture *fixture, const char *const *targets)
{
  g_autoptr (GVariant) old = fixture->certificate->spec;
  g_auto (GVariantDict) spec = G_VARIANT_DICT_INIT (old);
  HerdBatch *batch = herd_batch_new ();

  g_variant_dict_insert (&spec, "deliver", "^as", targets);
  fixture->certificate->spec = g_variant_ref_sink (g_variant_dict_end (&spec));
  herd_deliveries_plan (fixture->deliveries, fixture->certificate, batch);
  return batch;
}

static void
change_targets (Fixture *fixture, const char *const *targets)
{
  commit_ok (fixture->state.state, plan_targets (fixture, targets));
  herd_deliveries_confirm (fixture->deliveries, fixture->certificate->id);
  herd_deliveries_kick (fixture->deliveries, fixture->certificate->id);
  herd_deliveries_kick_withdrawals (fixture->deliveries);
  settle ();
}

/* The next generation is there. */
static void
issue (Fixture *fixture, HerdCertificate *certificate)
{
  guint64 number = ++certificate->last_number;

  g_ptr_array_add (certificate->generations, herd_generation_new (number, 1, 0, herd_facts_new ()));
  certificate->current = number;
  herd_deliveries_plan (fixture->deliveries, certificate, NULL);
  herd_deliveries_kick (fixture->deliveries, certificate->id);
  settle ();
}

static void
set_up (Fixture *fixture, gconstpointer data)
{
  static const char *const none[] = { NULL };
  HerdServices *services = &fixture->services;

  state_fixture_set_up (&fixture->state, data);
  state_fixture_open (&fixture->state);
  fixture->config = g_dir_make_tmp ("certherd-deliveries-XXXXXX", NULL);
  fixture->told = g_string_new (NULL);
  services->clock = herd_manual_clock_new ();
  services->state = fixture->state.state;
  services->registry = herd_registry_new ();
  services->attentions = herd_attentions_new (services->registry, services->clock);
  services->saver = herd_saver_new (services->clock, services->state, services->registry,
                                    services->attentions);
  herd_registry_set_observer (services->registry, &observer, fixture);
  configure (fixture, "[target files]\nadapter = files\npath = /a\n"
                      "[target server]\nadapter = unit\nunit = a.service\n"
                      "[target both]\nadapter = unit\nunit = b.service\npath = /b\n");
  fixture->launcher.launcher.run = launch;
  fixture->launcher.running = g_hash_table_new_full (g_str_hash, g_str_equal, g_free,
                                                     g_object_unref);
  fixture->deliveries = herd_deliveries_new (services, &fixture->launcher.launcher,
                                             ignore_certificate, NULL);
  fixture->certificate = add_certificate (fixture, 7, "www", none);
}

/* certherd-deliver for TARGET ends. */
static void
end_run (Fixture *fixture, const char *target, gboolean ok)
{
  g_autoptr (GTask) task = NULL;

  task = g_object_ref (g_hash_table_lookup (fixture->launcher.running, target));
  g_hash_table_remove (fixture->launcher.running, target);
  if (ok)
    g_task_return_boolean (task, TRUE);
  else
    g_task_return_new_error (task, HERD_ERROR, HERD_ERROR_FAILED, "the double fails");
  settle ();
}

static gboolean
is_running (Fixture *fixture, const char *target)
{
  return g_hash_table_contains (fixture->launcher.running, target);
}

static void
tear_down (Fixture *fixture, gconstpointer data)
{
  HerdServices *services = &fixture->services;
  const char *const argv[] = { "rm", "-rf", fixture->config, NULL };
  static const char *const targets[] = { "live", "files", "server", "both" };

  herd_registry_remove (services->registry, HERD_NOUN_CERTIFICATE, fixture->certificate->id);
  for (guint i = 0; i < G_N_ELEMENTS (targets); i++) {
    if (is_running (fixture, targets[i]))
      end_run (fixture, targets[i], FALSE);
  }
  herd_deliveries_free (fixture->deliveries);
  herd_saver_free (services->saver);
  herd_attentions_free (services->attentions);
  herd_registry_free (services->registry);
  herd_config_unref (services->config);
  state_fixture_tear_down (&fixture->state, data);
  herd_clock_unref (services->clock);
  g_hash_table_unref (fixture->launcher.running);
  g_string_free (fixture->told, TRUE);
  g_spawn_sync (NULL, (char **) argv, NULL, G_SPAWN_SEARCH_PATH, NULL, NULL, NULL, NULL, NULL,
                NULL);
  g_free (fixture->config);
}

static const HerdDelivery *
get_row (Fixture *fixture, const char *target)
{
  const HerdDelivery *delivery = herd_certificate_find_delivery (fixture->certificate, target);

  g_assert_nonnull (delivery);
  return delivery;
}

static HerdSubscription *
subscribe (Fixture *fixture, const char *target, gboolean configured)
{
  const char *const patterns[] = { "*", NULL };
  HerdSubscription *subscription = herd_subscription_new (1000 + ++fixture->last_subscription,
                                                          ":1.1", UID, patterns);
  GError *error = NULL;

  subscription->target = configured ? g_strdup (target) : g_strdup_printf ("%d:%s", UID, target);
  subscription->target_is_configured = configured;
  subscription->allowed = TRUE;
  herd_deliveries_attach (fixture->deliveries, subscription, &error);
  g_assert_no_error (error);
  herd_registry_add_subscription (fixture->services.registry, subscription);
  herd_deliveries_send_first (fixture->deliveries, subscription->id);
  return subscription;
}

static void
unsubscribe (Fixture *fixture, HerdSubscription *subscription)
{
  herd_deliveries_detach (fixture->deliveries, subscription);
  herd_registry_remove (fixture->services.registry, HERD_NOUN_SUBSCRIPTION, subscription->id);
  settle ();
}

static void
on_done (GObject *source, GAsyncResult *result, gpointer data)
{
  *(GAsyncResult **) data = g_object_ref (result);
}

static void
acknowledge (Fixture *fixture, HerdSubscription *subscription, guint64 generation, gboolean applied,
             const char *message)
{
  g_autoptr (GAsyncResult) result = NULL;
  GError *error = NULL;

  herd_deliveries_acknowledge_async (fixture->deliveries, subscription, fixture->certificate->id,
                                     generation, applied, message, on_done, &result);
  while (result == NULL)
    g_main_context_iteration (NULL, TRUE);
  herd_deliveries_acknowledge_finish (result, &error);
  g_assert_no_error (error);
  settle ();
}

/* certherd-deliver for TARGET does all that it should. */
static void
serve (Fixture *fixture, const char *target, guint64 generation)
{
  HerdSubscription *subscription = subscribe (fixture, target, TRUE);

  acknowledge (fixture, subscription, generation, TRUE, "");
  unsubscribe (fixture, subscription);
  end_run (fixture, target, TRUE);
}

/* --- order --- */

static void
test_files_first (Fixture *fixture, gconstpointer data)
{
  static const char *const targets[] = { "server", "both", "live", "files", NULL };

  change_targets (fixture, targets);
  issue (fixture, fixture->certificate);
  g_assert_true (is_running (fixture, "live"));
  g_assert_true (is_running (fixture, "files"));
  g_assert_false (is_running (fixture, "server"));
  g_assert_false (is_running (fixture, "both"));
  serve (fixture, "live", 1);
  g_assert_false (is_running (fixture, "server"));
  serve (fixture, "files", 1);
  g_assert_true (is_running (fixture, "server"));
  g_assert_true (is_running (fixture, "both"));
  serve (fixture, "server", 1);
  serve (fixture, "both", 1);
  g_assert_cmpuint (fixture->launcher.n_started, ==, 4);
}

/* Files that cannot be written hold up only those servers that have no others. */
static void
test_files_fail (Fixture *fixture, gconstpointer data)
{
  static const char *const targets[] = { "server", "both", "live", NULL };
  HerdSubscription *subscription;

  change_targets (fixture, targets);
  issue (fixture, fixture->certificate);
  subscription = subscribe (fixture, "live", TRUE);
  acknowledge (fixture, subscription, 1, FALSE, "retry: the disk is full");
  unsubscribe (fixture, subscription);
  end_run (fixture, "live", TRUE);
  g_assert_true (is_running (fixture, "both"));
  g_assert_false (is_running (fixture, "server"));
  herd_manual_clock_advance (fixture->services.clock, 2 * MINUTE);
  herd_deliveries_release (fixture->certificate, herd_clock_get_seconds (fixture->services.clock));
  herd_deliveries_kick (fixture->deliveries, fixture->certificate->id);
  settle ();
  subscription = subscribe (fixture, "live", TRUE);
  acknowledge (fixture, subscription, 1, FALSE, "it is not ours");
  unsubscribe (fixture, subscription);
  end_run (fixture, "live", TRUE);
  g_assert_cmpint (get_row (fixture, "live")->state, ==, HERD_DELIVERY_REJECTED);
  g_assert_true (is_running (fixture, "server"));
}

/* --- answers that do not come --- */

static void
test_silent_reader (Fixture *fixture, gconstpointer data)
{
  HerdSubscription *subscription = subscribe (fixture, "server", FALSE);
  g_autoptr (GAsyncResult) waited = NULL;

  issue (fixture, fixture->certificate);
  g_assert_cmpint (get_row (fixture, "1000:server")->state, ==, HERD_DELIVERY_INSTALLING);
  herd_deliveries_wait_async (fixture->deliveries, fixture->certificate->id, 1, NULL, on_done,
                              &waited);
  herd_manual_clock_advance (fixture->services.clock, 9 * MINUTE);
  settle ();
  g_assert_null (waited);
  herd_manual_clock_advance (fixture->services.clock, 1 * MINUTE);
  settle ();
  g_assert_cmpint (get_row (fixture, "1000:server")->state, ==, HERD_DELIVERY_GONE);
  g_assert_nonnull (strstr (get_row (fixture, "1000:server")->message, "has not answered"));
  g_assert_nonnull (waited);
  g_assert_true (herd_deliveries_wait_finish (waited, NULL));
  /* Better late than never. */
  acknowledge (fixture, subscription, 1, TRUE, "");
  g_assert_cmpint (get_row (fixture, "1000:server")->state, ==, HERD_DELIVERY_APPLIED);
}

static void
test_silent_holder (Fixture *fixture, gconstpointer data)
{
  static const char *const targets[] = { "both", NULL };

  subscribe (fixture, "both", TRUE);
  change_targets (fixture, targets);
  issue (fixture, fixture->certificate);
  herd_manual_clock_advance (fixture->services.clock, 10 * MINUTE);
  settle ();
  g_assert_cmpint (get_row (fixture, "both")->state, ==, HERD_DELIVERY_PENDING);
  g_assert_nonnull (strstr (get_row (fixture, "both")->message, "has not answered"));
  g_assert_cmpint (herd_deliveries_get_retry_at (fixture->certificate), >,
                   herd_clock_get_seconds (fixture->services.clock));
}

/* Another process is the target first, while certherd-deliver is on its way: it is waited for no longer. */
static void
test_silent_first (Fixture *fixture, gconstpointer data)
{
  static const char *const targets[] = { "files", NULL };

  change_targets (fixture, targets);
  issue (fixture, fixture->certificate);
  g_assert_true (is_running (fixture, "files"));
  subscribe (fixture, "files", TRUE);
  end_run (fixture, "files", FALSE); /* another connection is it */
  g_assert_cmpint (get_row (fixture, "files")->state, ==, HERD_DELIVERY_INSTALLING);
  herd_manual_clock_advance (fixture->services.clock, 10 * MINUTE);
  settle ();
  g_assert_cmpint (get_row (fixture, "files")->state, ==, HERD_DELIVERY_PENDING);
  g_assert_nonnull (strstr (get_row (fixture, "files")->message, "has not answered"));
}

/* What comes about the generation before, after the newer one is in use, changes nothing. */
static void
test_late_answer (Fixture *fixture, gconstpointer data)
{
  HerdSubscription *subscription;
  g_autoptr (GAsyncResult) answered = NULL;
  g_autoptr (GError) error = NULL;

  issue (fixture, fixture->certificate);
  subscription = subscribe (fixture, "mine", FALSE);
  issue (fixture, fixture->certificate);
  acknowledge (fixture, subscription, 2, TRUE, "");
  herd_deliveries_acknowledge_async (fixture->deliveries, subscription, fixture->certificate->id, 1,
                                     TRUE, "", on_done, &answered);
  while (answered == NULL)
    g_main_context_iteration (NULL, TRUE);
  g_assert_false (herd_deliveries_acknowledge_finish (answered, &error));
  g_assert_error (error, HERD_ERROR, HERD_ERROR_REFUSED);
  g_assert_cmpuint (get_row (fixture, "1000:mine")->applied, ==, 2);
  g_assert_cmpint (get_row (fixture, "1000:mine")->state, ==, HERD_DELIVERY_APPLIED);
  acknowledge (fixture, subscription, 2, TRUE, "");
}

typedef struct {
  Fixture *fixture;
  GPtrArray *waited; /* GAsyncResult */
  gboolean again;
} Waits;

/* Comes back to the waits from within. */
static void
wait_again (GObject *source, GAsyncResult *result, gpointer data)
{
  Waits *waits = data;
  HerdDeliveries *deliveries = waits->fixture->deliveries;

  g_ptr_array_add (waits->waited, g_object_ref (result));
  if (waits->again)
    return;
  waits->again = TRUE;
  herd_deliveries_settle (deliveries, waits->fixture->certificate->id);
  g_assert_cmpuint (deliveries->waiters->len, ==, 0);
  herd_deliveries_wait_async (deliveries, waits->fixture->certificate->id, 1, NULL, wait_again,
                              waits);
}

static void
test_waits_again (Fixture *fixture, gconstpointer data)
{
  Waits waits = { fixture, g_ptr_array_new_with_free_func (g_object_unref), FALSE };
  HerdSubscription *subscription = subscribe (fixture, "mine", FALSE);

  issue (fixture, fixture->certificate);
  for (guint i = 0; i < 3; i++)
    herd_deliveries_wait_async (fixture->deliveries, fixture->certificate->id, 1, NULL, wait_again,
                                &waits);
  settle ();
  g_assert_cmpuint (waits.waited->len, ==, 0);
  acknowledge (fixture, subscription, 1, TRUE, "");
  settle ();
  g_assert_cmpuint (waits.waited->len, ==, 4);
  for (guint i = 0; i < waits.waited->len; i++)
    g_assert_true (herd_deliveries_wait_finish (g_ptr_array_index (waits.waited, i), NULL));
  g_ptr_array_unref (waits.waited);
}

/* --- withdrawals --- */

static void
test_withdrawal_fails (Fixture *fixture, gconstpointer data)
{
  static const char *const targets[] = { "files", NULL };
  static const char *const none[] = { NULL };
  HerdCertificate *other;

  change_targets (fixture, targets);
  issue (fixture, fixture->certificate);
  serve (fixture, "files", 1);
  other = add_certificate (fixture, 8, "other", targets);
  change_targets (fixture, none);
  g_assert_true (is_running (fixture, "files"));
  end_run (fixture, "files", FALSE);
  g_assert_false (is_running (fixture, "files"));
  /* It waits for its time; what is new does not. */
  issue (fixture, other);
  g_assert_true (is_running (fixture, "files"));
  end_run (fixture, "files", FALSE);
  herd_manual_clock_advance (fixture->services.clock, 12 * MINUTE);
  settle ();
  g_assert_true (is_running (fixture, "files"));
  g_string_truncate (fixture->told, 0);
  serve (fixture, "files", 0);
  g_assert_nonnull (strstr (fixture->told->str, "www 0;"));
  g_assert_cmpuint (fixture->deliveries->withdrawals->len, ==, 0);
  herd_registry_remove (fixture->services.registry, HERD_NOUN_CERTIFICATE, 8);
}

static void
test_back_again (Fixture *fixture, gconstpointer data)
{
  static const char *const targets[] = { "files", NULL };
  static const char *const none[] = { NULL };
  g_autoptr (HerdStateContents) contents = NULL;

  change_targets (fixture, targets);
  issue (fixture, fixture->certificate);
  serve (fixture, "files", 1);
  change_targets (fixture, none);
  g_assert_cmpuint (fixture->deliveries->withdrawals->len, ==, 1);
  change_targets (fixture, targets);
  g_assert_cmpuint (fixture->deliveries->withdrawals->len, ==, 0);
  g_string_truncate (fixture->told, 0);
  serve (fixture, "files", 1);
  g_assert_cmpstr (fixture->told->str, ==, "www 1; 0;");
  contents = herd_state_load (fixture->services.state, NULL);
  g_assert_cmpuint (contents->withdrawals->len, ==, 0);
}

/* Before the first change is on disk: what was planned then is never asked for. */
static void
test_back_at_once (Fixture *fixture, gconstpointer data)
{
  static const char *const targets[] = { "files", NULL };
  static const char *const none[] = { NULL };
  g_autoptr (HerdStateContents) contents = NULL;
  HerdBatch *away, *back;

  change_targets (fixture, targets);
  issue (fixture, fixture->certificate);
  serve (fixture, "files", 1);
  away = plan_targets (fixture, none);
  herd_deliveries_kick_withdrawals (fixture->deliveries);
  g_assert_false (is_running (fixture, "files"));
  back = plan_targets (fixture, targets);
  commit_ok (fixture->state.state, away);
  commit_ok (fixture->state.state, back);
  herd_deliveries_confirm (fixture->deliveries, fixture->certificate->id);
  g_assert_cmpuint (fixture->deliveries->withdrawals->len, ==, 0);
  contents = herd_state_load (fixture->services.state, NULL);
  g_assert_cmpuint (contents->withdrawals->len, ==, 0);
}

static void
test_target_removed (Fixture *fixture, gconstpointer data)
{
  static const char *const targets[] = { "files", "both", NULL };
  static const char *const none[] = { "both", NULL };
  HerdBatch *batch = herd_batch_new ();
  guint started;

  change_targets (fixture, targets);
  issue (fixture, fixture->certificate);
  serve (fixture, "files", 1);
  change_targets (fixture, none);
  end_run (fixture, "both", FALSE);
  end_run (fixture, "files", FALSE);
  configure (fixture, "");
  herd_deliveries_configure (fixture->deliveries, batch);
  commit_ok (fixture->state.state, batch);
  herd_deliveries_kick_all (fixture->deliveries);
  g_assert_cmpuint (fixture->deliveries->withdrawals->len, ==, 0);
  g_assert_cmpint (get_row (fixture, "both")->state, ==, HERD_DELIVERY_GONE);
  g_assert_cmpuint (herd_attentions_list (fixture->services.attentions)->len, ==, 1);
  started = fixture->launcher.n_started;
  herd_manual_clock_advance (fixture->services.clock, 60 * MINUTE);
  settle ();
  g_assert_cmpuint (fixture->launcher.n_started, ==, started);
  g_assert_cmpuint (herd_manual_clock_get_n_timers (fixture->services.clock), ==, 0);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  /* A run that fails is a warning, for people. */
  g_log_set_always_fatal (G_LOG_FATAL_MASK | G_LOG_LEVEL_CRITICAL);
#define ADD(name, function)                                                                        \
  g_test_add ("/deliveries/" name, Fixture, NULL, set_up, function, tear_down)
  ADD ("files-first", test_files_first);
  ADD ("files-fail", test_files_fail);
  ADD ("silent-reader", test_silent_reader);
  ADD ("silent-holder", test_silent_holder);
  ADD ("silent-first", test_silent_first);
  ADD ("late-answer", test_late_answer);
  ADD ("waits-again", test_waits_again);
  ADD ("withdrawal-fails", test_withdrawal_fails);
  ADD ("back-again", test_back_again);
  ADD ("back-at-once", test_back_at_once);
  ADD ("target-removed", test_target_removed);
  return g_test_run ();
}
