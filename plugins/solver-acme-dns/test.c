// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * solver-acme-dns without a server: settings, requests, whose turn it is. With a DNS server and a CA it is
 * tested in tests/acme/test-acme-dns.c.
 */
#include <glib/gstdio.h>
#include <string.h>

#include "plugin/error.h"
#include "plugin/plugin.h"
#include "plugin/solver.h"
#include "request.h"
#include "slots.h"

extern const HerdPlugin herd_plugin;

#define PASSWORD "htB9mR9DYgcu9bX_afHF62erXaH2TS7bg9KW3F7Z"

#define assert_says(error, code, words)                                                            \
  G_STMT_START                                                                                     \
  {                                                                                                \
    g_assert_error (error, HERD_ERROR, (int) code);                                                \
    if (strstr ((error)->message, words) == NULL || strstr ((error)->message, "htB9") != NULL)     \
      g_error ("\"%s\" does not say \"%s\", or says too much", (error)->message, words);           \
    g_clear_error (&(error));                                                                      \
  }                                                                                                \
  G_STMT_END

/* A double: a host with settings only. */
#define TEST_TYPE_HOST (test_host_get_type ())
G_DECLARE_FINAL_TYPE (TestHost, test_host, TEST, HOST, GObject)

struct _TestHost {
  GObject parent;
  GHashTable *settings;
};

static const char *
host_get_name (HerdSolverHost *host G_GNUC_UNUSED)
{
  return "acme-dns";
}

static const char *
host_get_setting (HerdSolverHost *host, const char *key)
{
  return g_hash_table_lookup (TEST_HOST (host)->settings, key);
}

static void
host_iface_init (HerdSolverHostInterface *iface)
{
  iface->get_name = host_get_name;
  iface->get_setting = host_get_setting;
}

G_DEFINE_FINAL_TYPE_WITH_CODE (TestHost, test_host, G_TYPE_OBJECT,
                               G_IMPLEMENT_INTERFACE (HERD_TYPE_SOLVER_HOST, host_iface_init))

static void
test_host_finalize (GObject *object)
{
  g_hash_table_unref (TEST_HOST (object)->settings);
  G_OBJECT_CLASS (test_host_parent_class)->finalize (object);
}

static void
test_host_class_init (TestHostClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = test_host_finalize;
}

static void
test_host_init (TestHost *host)
{
  host->settings = g_hash_table_new_full (g_str_hash, g_str_equal, NULL, g_free);
}

/* --- settings --- */

typedef struct {
  TestHost *host;
  HerdSolver *solver;
  char *path;
} Fixture;

static void
set (Fixture *fixture, const char *key, const char *value)
{
  if (value != NULL)
    g_hash_table_replace (fixture->host->settings, (gpointer) key, g_strdup (value));
  else
    g_hash_table_remove (fixture->host->settings, key);
}

static void
write_password (Fixture *fixture, const char *contents, int mode)
{
  g_assert_true (g_file_set_contents (fixture->path, contents, -1, NULL));
  g_assert_cmpint (g_chmod (fixture->path, mode), ==, 0);
}

static void
set_up (Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
  int fd = g_file_open_tmp ("certherd-password-XXXXXX", &fixture->path, NULL);

  g_assert_true (g_close (fd, NULL));
  write_password (fixture, PASSWORD "\n", 0640);
  fixture->host = g_object_new (TEST_TYPE_HOST, NULL);
  set (fixture, "url", "https://auth.example.org");
  set (fixture, "username", "eabcdb41-d89f-4580-826f-3e62e9755ef2");
  set (fixture, "password-file", fixture->path);
  set (fixture, "subdomain", "d420c923-bbd7-4056-ab64-c3ca54c9b3cf");
  set (fixture, "fulldomain", "d420c923-bbd7-4056-ab64-c3ca54c9b3cf.auth.example.org");
  fixture->solver = g_object_new (herd_plugin.get_type (), "host", fixture->host, NULL);
}

static void
tear_down (Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
  g_object_unref (fixture->solver);
  g_object_unref (fixture->host);
  g_unlink (fixture->path);
  g_free (fixture->path);
}

static void
test_check (Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
  static const char *const keys[] = { "url", "username", "password-file", "subdomain",
                                      "fulldomain" };
  g_autoptr (GError) error = NULL;

  g_assert_true (herd_solver_check (fixture->solver, &error));
  g_assert_no_error (error);
  for (guint i = 0; i < G_N_ELEMENTS (keys); i++) {
    g_autofree char *kept = g_strdup (g_hash_table_lookup (fixture->host->settings, keys[i]));
    g_autofree char *words = g_strdup_printf ("solver acme-dns: %s: is missing", keys[i]);

    set (fixture, keys[i], NULL);
    g_assert_false (herd_solver_check (fixture->solver, &error));
    assert_says (error, HERD_ERROR_INVALID_ARGUMENT, words);
    set (fixture, keys[i], kept);
  }
}

static void
test_foul (Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
  static const char *const rows[][2] = {
    { "username", "a b" },      { "username", "a\r\nX-Other: b" },
    { "username", "\303\244" }, { "subdomain", "a\",\"txt\":\"b" },
    { "subdomain", "a\\" },     { "url", "https://auth.example.org/?a" }
  };
  g_autoptr (GError) error = NULL;

  for (guint i = 0; i < G_N_ELEMENTS (rows); i++) {
    g_autofree char *kept = g_strdup (g_hash_table_lookup (fixture->host->settings, rows[i][0]));

    set (fixture, rows[i][0], rows[i][1]);
    g_assert_false (herd_solver_check (fixture->solver, &error));
    assert_says (error, HERD_ERROR_INVALID_ARGUMENT, rows[i][0]);
    set (fixture, rows[i][0], kept);
  }
  g_assert_true (herd_solver_check (fixture->solver, &error));
}

static void
test_password (Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
  static const char *const foul[] = { "", "\n", PASSWORD "\n" PASSWORD, "a\" b",
                                      PASSWORD "\r\rX: y" };
  g_autofree char *large = g_strnfill (5000, 'A');
  g_autoptr (GError) error = NULL;

  for (guint i = 0; i < G_N_ELEMENTS (foul); i++) {
    write_password (fixture, foul[i], 0600);
    g_assert_false (herd_solver_check (fixture->solver, &error));
    assert_says (error, HERD_ERROR_ACTION_REQUIRED, "is not a password of acme-dns");
  }
  write_password (fixture, large, 0600);
  g_assert_false (herd_solver_check (fixture->solver, &error));
  assert_says (error, HERD_ERROR_ACTION_REQUIRED, "is not a text of at most 4096 bytes");
  write_password (fixture, PASSWORD, 0644);
  g_assert_false (herd_solver_check (fixture->solver, &error));
  assert_says (error, HERD_ERROR_ACTION_REQUIRED,
               "(mode 0644) can be read or written by everybody");
  set (fixture, "password-file", "/nonexistent/password");
  g_assert_false (herd_solver_check (fixture->solver, &error));
  assert_says (error, HERD_ERROR_ACTION_REQUIRED,
               "solver acme-dns: password-file /nonexistent/password: No such file");
}

static void
test_types (Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
  HerdSolver *solver = fixture->solver;

  g_assert_cmpstr (herd_solver_get_challenge_types (solver, "*.example.org")[0], ==, "dns-01");
  g_assert_null (herd_solver_get_challenge_types (solver, "www.example.org")[1]);
  g_assert_null (herd_solver_get_challenge_types (solver, "192.0.2.1")[0]);
}

/* --- requests --- */

static void
test_request (void)
{
  static const char *const urls[] = { "https://a.example", "https://a.example/",
                                      "https://a.example//" };
  static const char wanted[] = "{\"subdomain\":\"d420\",\"txt\":\"value\"}";
  g_autoptr (GBytes) body = acme_dns_make_body ("d420", "value");

  for (guint i = 0; i < G_N_ELEMENTS (urls); i++) {
    g_autofree char *url = acme_dns_make_url (urls[i]);

    g_assert_cmpstr (url, ==, "https://a.example/update");
  }
  g_assert_cmpmem (g_bytes_get_data (body, NULL), g_bytes_get_size (body), wanted, strlen (wanted));
}

/* The words of the bodies are acme-dns's own. */
static void
test_explain (void)
{
  static const struct {
    guint status;
    HerdError code;
    const char *body, *words;
  } rows[] = {
    { 400, HERD_ERROR_CHALLENGE_FAILED, "{\"error\": \"bad_subdomain\"}",
      "subdomain d420: it does not take the update" },
    { 401, HERD_ERROR_CHALLENGE_FAILED, "{\"error\": \"forbidden\"}",
      "(status 401, {\"error\": \"forbidden\"})" },
    { 403, HERD_ERROR_CHALLENGE_FAILED, "", "proxy" },
    { 404, HERD_ERROR_CHALLENGE_FAILED, "404 page not found\n\033]0;x", "not found??]0;x)" },
    { 429, HERD_ERROR_UNREACHABLE, "", "too many" },
    { 500, HERD_ERROR_UNREACHABLE, "{\"error\": \"db_error\"}", "see its log" },
    { 204, HERD_ERROR_CHALLENGE_FAILED, "", "not that of an acme-dns" },
  };
  g_autofree char *large = g_strnfill (60000, 'A');
  g_autoptr (GBytes) much = g_bytes_new_static (large, 60000);
  g_autoptr (GBytes) nothing = g_bytes_new (NULL, 0);
  g_autoptr (GError) error = NULL;

  for (guint i = 0; i < G_N_ELEMENTS (rows); i++) {
    g_autoptr (GBytes) body = g_bytes_new_static (rows[i].body, strlen (rows[i].body));

    error = acme_dns_explain ("https://a.example", "d420", rows[i].status, body);
    assert_says (error, rows[i].code, rows[i].words);
  }
  error = acme_dns_explain ("https://a.example", "d420", 500, much);
  g_assert_cmpuint (strlen (error->message), <, 400);
  g_assert_null (acme_dns_explain ("https://a.example", "d420", 200, nothing));
}

/* --- whose turn it is --- */

typedef struct {
  Slots *slots;
  guint begun; /* how many turns */
} Queue;

typedef struct {
  Queue *queue;
  guint order; /* from 1; 0: not yet */
  GError *error;
} Turn;

static void
on_turn (GObject *source G_GNUC_UNUSED, GAsyncResult *result, gpointer data)
{
  Turn *turn = data;

  turn->order = ++turn->queue->begun;
  g_assert_true (slots_take_finish (turn->queue->slots, result, &turn->error)
                 == (turn->error == NULL));
}

static void
take (Queue *queue, Turn *turn, GCancellable *cancellable, const char *first, const char *second)
{
  const char *const values[] = { first, second, NULL };

  turn->queue = queue;
  slots_take_async (queue->slots, values, cancellable, on_turn, turn);
  while (g_main_context_iteration (NULL, FALSE))
    continue;
}

static void
release (Queue *queue, const char *value)
{
  const char *const values[] = { value, NULL };

  slots_release (queue->slots, values);
  while (g_main_context_iteration (NULL, FALSE))
    continue;
}

static void
test_rounds (void)
{
  Queue queue = { slots_new (), 0 };
  Turn turns[6] = { { 0 } };

  take (&queue, &turns[0], NULL, "a", "b");
  take (&queue, &turns[1], NULL, "c", NULL);
  take (&queue, &turns[2], NULL, "d", "e");
  take (&queue, &turns[3], NULL, "f", NULL);
  g_assert_cmpuint (turns[0].order, ==, 1);
  g_assert_cmpuint (turns[1].order, ==, 0);
  /* "b" may be the older one: nobody comes in between. */
  release (&queue, "a");
  g_assert_cmpuint (turns[1].order, ==, 0);
  release (&queue, "b");
  g_assert_cmpuint (turns[1].order, ==, 2);
  /* Nobody overtakes, even where there would be a place. */
  g_assert_cmpuint (turns[2].order + turns[3].order, ==, 0);
  release (&queue, "unknown");
  g_assert_cmpuint (turns[2].order, ==, 0);
  release (&queue, "c");
  g_assert_cmpuint (turns[2].order, ==, 3);
  g_assert_cmpuint (turns[3].order, ==, 0);
  release (&queue, "d");
  release (&queue, "e");
  g_assert_cmpuint (turns[3].order, ==, 4);
  take (&queue, &turns[4], NULL, "g", NULL);
  g_assert_cmpuint (turns[4].order, ==, 5);
  release (&queue, "f");
  take (&queue, &turns[5], NULL, "h", NULL);
  g_assert_cmpuint (turns[5].order, ==, 0);
  release (&queue, "g");
  g_assert_cmpuint (turns[5].order, ==, 6);
  slots_free (queue.slots);
}

static void
test_again (void)
{
  Queue queue = { slots_new (), 0 };
  Turn turns[3] = { { 0 } };

  take (&queue, &turns[0], NULL, "a", "b");
  take (&queue, &turns[2], NULL, "c", NULL);
  g_assert_false (slots_is_shown (queue.slots, "a"));
  slots_note_shown (queue.slots, "a");
  slots_note_shown (queue.slots, "never taken");
  /* The same proofs again need no other place. */
  take (&queue, &turns[1], NULL, "a", "b");
  g_assert_cmpuint (turns[1].order, ==, 2);
  g_assert_true (slots_is_shown (queue.slots, "a"));
  g_assert_false (slots_is_shown (queue.slots, "b"));
  g_assert_false (slots_is_shown (queue.slots, "never taken"));
  release (&queue, "a");
  g_assert_false (slots_is_shown (queue.slots, "a"));
  g_assert_cmpuint (turns[2].order, ==, 0);
  release (&queue, "b");
  g_assert_cmpuint (turns[2].order, ==, 3);
  slots_free (queue.slots);
}

static void
test_cancel (void)
{
  Queue queue = { slots_new (), 0 };
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  Turn turns[4] = { { 0 } };

  take (&queue, &turns[0], NULL, "a", NULL);
  take (&queue, &turns[1], cancellable, "b", "c");
  take (&queue, &turns[2], NULL, "d", NULL);
  g_assert_cmpuint (turns[2].order, ==, 0);
  g_cancellable_cancel (cancellable);
  while (g_main_context_iteration (NULL, FALSE))
    continue;
  g_assert_error (turns[1].error, HERD_ERROR, HERD_ERROR_CANCELLED);
  g_clear_error (&turns[1].error);
  g_assert_cmpuint (turns[2].order, !=, 0);
  take (&queue, &turns[3], cancellable, "e", NULL);
  g_assert_error (turns[3].error, HERD_ERROR, HERD_ERROR_CANCELLED);
  g_clear_error (&turns[3].error);
  slots_free (queue.slots);
}

#define ADD(name, function)                                                                        \
  g_test_add ("/solver-acme-dns/" name, Fixture, NULL, set_up, function, tear_down)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  ADD ("check", test_check);
  ADD ("foul", test_foul);
  ADD ("password", test_password);
  ADD ("types", test_types);
  g_test_add_func ("/solver-acme-dns/request", test_request);
  g_test_add_func ("/solver-acme-dns/explain", test_explain);
  g_test_add_func ("/solver-acme-dns/rounds", test_rounds);
  g_test_add_func ("/solver-acme-dns/again", test_again);
  g_test_add_func ("/solver-acme-dns/cancel", test_cancel);
  return g_test_run ();
}
