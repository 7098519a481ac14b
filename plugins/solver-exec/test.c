// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * solver-exec with the agent's own host and small shell programs: what each convention tells them, what
 * their exit statuses mean, and that one failure ends a batch, but not a clean-up.
 */
#include <glib/gstdio.h>
#include <string.h>

#include "core/solver-host.h"
#include "plugin/error.h"
#include "plugin/plugin.h"

extern const HerdPlugin herd_plugin;

#define TOKEN_A "aaaaaaaaaaaaaaaaaaaaaaaa"
#define TOKEN_B "-bbbbbbbbbbbbbbbbbbbbbbb"
/* base64url (SHA-256 ("TOKEN.key")), by another program. */
#define VALUE_A "Qu7puMbCVF_UQgJt2thFPJlfxRu3uoDQQ8PjWPTmNF4"
#define VALUE_B "3e4AtKX1GqBKRS09mXK0F_g479cLf8dY03S1-pRc6Oo"

typedef struct {
  char *root;
  HerdClock *clock;
  HerdDns *dns; /* nobody answers */
  GVariantDict settings;
  HerdSolverHost *host;
  HerdSolver *solver;
  GPtrArray *challenges;
  gboolean done;
  GError *error;
} Fixture;

static HerdDns *
make_dns (HerdClock *clock)
{
  const HerdDnsOptions options = { .clock = clock, .resolvers = "127.0.0.1:1" };

  return herd_dns_new (&options);
}

static void
setup (Fixture *fixture, gconstpointer data)
{
  fixture->root = g_dir_make_tmp ("certherd-exec-XXXXXX", NULL);
  g_assert_nonnull (fixture->root);
  fixture->clock = herd_clock_new_system ();
  fixture->dns = make_dns (fixture->clock);
  g_variant_dict_init (&fixture->settings, NULL);
  fixture->challenges = g_ptr_array_new_with_free_func ((GDestroyNotify) herd_challenge_unref);
}

static void
teardown (Fixture *fixture, gconstpointer data)
{
  const char *const argv[] = { "rm", "-rf", fixture->root, NULL };

  g_assert_true (g_spawn_sync (NULL, (char **) argv, NULL, G_SPAWN_SEARCH_PATH, NULL, NULL, NULL,
                               NULL, NULL, NULL));
  g_variant_dict_clear (&fixture->settings);
  g_clear_object (&fixture->solver);
  g_clear_object (&fixture->host);
  herd_dns_unref (fixture->dns);
  herd_clock_unref (fixture->clock);
  g_ptr_array_unref (fixture->challenges);
  g_clear_error (&fixture->error);
  g_free (fixture->root);
}

static void
set (Fixture *fixture, const char *key, const char *value)
{
  g_variant_dict_insert (&fixture->settings, key, "s", value);
}

/* Sets KEY to a program that runs SCRIPT in the fixture's directory. */
static void
set_script (Fixture *fixture, const char *key, const char *script)
{
  g_autofree char *path = g_build_filename (fixture->root, key, NULL);
  g_autofree char *text = g_strdup_printf ("#!/bin/sh\ncd '%s'\n%s\n", fixture->root, script);
  const char *const words[] = { path, "first argument", "second", NULL };
  g_autoptr (GError) error = NULL;

  g_file_set_contents_full (path, text, -1, G_FILE_SET_CONTENTS_CONSISTENT, 0755, &error);
  g_assert_no_error (error);
  g_variant_dict_insert (&fixture->settings, key, "^as", words);
}

static void
make_checking (Fixture *fixture)
{
  g_autoptr (GVariant) values = g_variant_ref_sink (g_variant_dict_end (&fixture->settings));
  g_autoptr (GError) error = NULL;

  fixture->host = HERD_SOLVER_HOST (
      herd_core_solver_host_new ("hooks", values, NULL, fixture->dns, fixture->clock));
  fixture->solver = g_object_new (herd_plugin.get_type (), "host", fixture->host, NULL);
  herd_solver_check (fixture->solver, &error);
  g_assert_no_error (error);
}

/* No record can be seen, so nothing is waited for. */
static void
make (Fixture *fixture)
{
  set (fixture, "propagation-check", "no");
  make_checking (fixture);
}

static void
add (Fixture *fixture, const char *type, const char *identifier, const char *token)
{
  g_autofree char *key_authorization = g_strconcat (token, ".key", NULL);

  g_ptr_array_add (fixture->challenges,
                   herd_challenge_new (type, identifier, token, key_authorization));
}

static void
on_presented (GObject *source, GAsyncResult *result, gpointer data)
{
  Fixture *fixture = data;

  herd_solver_present_finish (HERD_SOLVER (source), result, &fixture->error);
  fixture->done = TRUE;
}

static void
on_cleaned (GObject *source, GAsyncResult *result, gpointer data)
{
  Fixture *fixture = data;

  herd_solver_cleanup_finish (HERD_SOLVER (source), result, &fixture->error);
  fixture->done = TRUE;
}

static void
wait_for_end (Fixture *fixture)
{
  while (!fixture->done)
    g_main_context_iteration (NULL, TRUE);
  fixture->done = FALSE;
}

static void
present (Fixture *fixture)
{
  g_clear_error (&fixture->error);
  herd_solver_present_async (fixture->solver, fixture->challenges, NULL, on_presented, fixture);
  wait_for_end (fixture);
}

static void
clean_up (Fixture *fixture)
{
  g_clear_error (&fixture->error);
  herd_solver_cleanup_async (fixture->solver, fixture->challenges, on_cleaned, fixture);
  wait_for_end (fixture);
}

static void
assert_text (Fixture *fixture, const char *name, const char *expected)
{
  g_autofree char *path = g_build_filename (fixture->root, name, NULL);
  g_autofree char *text = NULL;

  g_file_get_contents (path, &text, NULL, NULL);
  g_assert_cmpstr (text, ==, expected);
}

static void
assert_failed (Fixture *fixture, HerdError code, const char *words)
{
  g_assert_error (fixture->error, HERD_ERROR, (int) code);
  g_assert_true (g_str_has_prefix (fixture->error->message, "solver hooks: "));
  if (strstr (fixture->error->message, words) == NULL)
    g_error ("\"%s\" does not say \"%s\"", fixture->error->message, words);
}

/* --- the conventions --- */

static void
test_certherd (Fixture *fixture, gconstpointer data)
{
  set (fixture, "type", "dns-01");
  set_script (
      fixture, "command",
      "echo \"$CERTHERD_ACTION $CERTHERD_SOLVER $CERTHERD_TYPE $CERTHERD_CHALLENGES $1\" >>log; "
      "while read -r identifier token value; do echo \"$identifier|$token|$value\" >>log; done");
  make (fixture);
  add (fixture, "dns-01", "example.org", TOKEN_A);
  add (fixture, "dns-01", "example.org", TOKEN_B);
  present (fixture);
  g_assert_no_error (fixture->error);
  clean_up (fixture);
  g_assert_no_error (fixture->error);
  assert_text (fixture, "log",
               "present hooks dns-01 2 first argument\n"
               "example.org|" TOKEN_A "|" VALUE_A "\nexample.org|" TOKEN_B "|" VALUE_B "\n"
               "cleanup hooks dns-01 2 first argument\n"
               "example.org|" TOKEN_A "|" VALUE_A "\nexample.org|" TOKEN_B "|" VALUE_B "\n");
}

static void
test_certherd_key_authorization (Fixture *fixture, gconstpointer data)
{
  const char *type = data;

  set (fixture, "type", type);
  set_script (fixture, "command", "cat >>log");
  make (fixture);
  add (fixture, type, "2001:db8::1", TOKEN_A);
  present (fixture);
  g_assert_no_error (fixture->error);
  assert_text (fixture, "log", "2001:db8::1 " TOKEN_A " " TOKEN_A ".key\n");
}

#define CERTBOT                                                                                    \
  "echo \"$0 $CERTBOT_DOMAIN $CERTBOT_VALIDATION ${CERTBOT_TOKEN-none} "                           \
  "$CERTBOT_REMAINING_CHALLENGES $CERTBOT_ALL_DOMAINS ${CERTBOT_AUTH_OUTPUT-none}\""               \
  " | sed 's|.*/||' >>log; "

static void
test_certbot_dns (Fixture *fixture, gconstpointer data)
{
  set (fixture, "type", "dns-01");
  set (fixture, "convention", "certbot");
  set_script (fixture, "command", CERTBOT "echo; echo \"id of $CERTBOT_DOMAIN\"; echo noise >&2");
  set_script (fixture, "cleanup-command", CERTBOT);
  make (fixture);
  add (fixture, "dns-01", "a.example", TOKEN_A);
  add (fixture, "dns-01", "b.example", TOKEN_B);
  present (fixture);
  g_assert_no_error (fixture->error);
  clean_up (fixture);
  g_assert_no_error (fixture->error);
  assert_text (fixture, "log",
               "command a.example " VALUE_A " none 1 a.example,b.example none\n"
               "command b.example " VALUE_B " none 0 a.example,b.example none\n"
               "cleanup-command a.example " VALUE_A " none 1 a.example,b.example id of a.example\n"
               "cleanup-command b.example " VALUE_B
               " none 0 a.example,b.example id of b.example\n");
}

static void
test_certbot_http (Fixture *fixture, gconstpointer data)
{
  set (fixture, "type", "http-01");
  set (fixture, "convention", "certbot");
  set_script (fixture, "command", CERTBOT);
  make (fixture);
  add (fixture, "http-01", "a.example", TOKEN_A);
  present (fixture);
  g_assert_no_error (fixture->error);
  /* Without a hook for it there is nothing to clean up, and that is well. */
  clean_up (fixture);
  g_assert_no_error (fixture->error);
  assert_text (fixture, "log", "command a.example " TOKEN_A ".key " TOKEN_A " 0 a.example none\n");
}

/* Of what was presented before a restart, nobody knows what the hook had printed. */
static void
test_certbot_restarted (Fixture *fixture, gconstpointer data)
{
  set (fixture, "type", "http-01");
  set (fixture, "convention", "certbot");
  set_script (fixture, "command", "exit 1");
  set_script (fixture, "cleanup-command", "echo \"<${CERTBOT_AUTH_OUTPUT-none}>\" >log");
  make (fixture);
  add (fixture, "http-01", "a.example", TOKEN_A);
  clean_up (fixture);
  g_assert_no_error (fixture->error);
  assert_text (fixture, "log", "<>\n");
}

#define DEHYDRATED "printf '%s|' \"$@\" >>log; echo >>log"

static void
test_dehydrated (Fixture *fixture, gconstpointer data)
{
  set (fixture, "type", "dns-01");
  set (fixture, "convention", "dehydrated");
  set_script (fixture, "command", DEHYDRATED);
  make (fixture);
  add (fixture, "dns-01", "a.example", TOKEN_A);
  add (fixture, "dns-01", "b.example", TOKEN_B);
  present (fixture);
  g_assert_no_error (fixture->error);
  clean_up (fixture);
  g_assert_no_error (fixture->error);
#define LINE(action, rest) "first argument|second|" action "|" rest "\n"
  assert_text (fixture, "log",
               LINE ("deploy_challenge", "a.example|" TOKEN_A "|" VALUE_A "|")
                   LINE ("deploy_challenge", "b.example|" TOKEN_B "|" VALUE_B "|")
                       LINE ("clean_challenge", "a.example|" TOKEN_A "|" VALUE_A "|")
                           LINE ("clean_challenge", "b.example|" TOKEN_B "|" VALUE_B "|"));
}

static void
test_dehydrated_chain (Fixture *fixture, gconstpointer data)
{
  set (fixture, "type", "http-01");
  set (fixture, "convention", "dehydrated");
  set (fixture, "hook-chain", "yes");
  set_script (fixture, "command", DEHYDRATED);
  make (fixture);
  add (fixture, "http-01", "a.example", TOKEN_A);
  add (fixture, "http-01", "b.example", TOKEN_B);
  present (fixture);
  g_assert_no_error (fixture->error);
  assert_text (fixture, "log",
               LINE ("deploy_challenge", "a.example|" TOKEN_A "|" TOKEN_A ".key|b.example|" TOKEN_B
                                         "|" TOKEN_B ".key|"));
}

/* A wildcard and its base have two values for one name: no chain, as in dehydrated. */
static void
test_dehydrated_twins (Fixture *fixture, gconstpointer data)
{
  set (fixture, "type", "dns-01");
  set (fixture, "convention", "dehydrated");
  set (fixture, "hook-chain", "yes");
  set_script (fixture, "command", DEHYDRATED);
  make (fixture);
  add (fixture, "dns-01", "a.example", TOKEN_A);
  add (fixture, "dns-01", "a.example", TOKEN_B);
  present (fixture);
  g_assert_no_error (fixture->error);
  assert_text (fixture, "log",
               LINE ("deploy_challenge", "a.example|" TOKEN_A "|" VALUE_A "|")
                   LINE ("deploy_challenge", "a.example|" TOKEN_B "|" VALUE_B "|"));
}

/* --- failures --- */

static void
test_statuses (Fixture *fixture, gconstpointer data)
{
  static const struct {
    const char *script;
    HerdError code;
    const char *words;
  } cases[] = {
    { "echo 'zone is frozen' >&2; exit 75", HERD_ERROR_BUSY, "a.example later: zone is frozen" },
    { "echo 'no such zone'; exit 3", HERD_ERROR_CHALLENGE_FAILED,
      "could not present a.example (exit status 3): no such zone" },
    { "exit 1", HERD_ERROR_CHALLENGE_FAILED, "did not say why" },
    { "kill -9 $$", HERD_ERROR_CHALLENGE_FAILED, "exit status 137" },
  };

  add (fixture, "dns-01", "a.example", TOKEN_A);
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    set (fixture, "type", "dns-01");
    set_script (fixture, "command", cases[i].script);
    make (fixture);
    present (fixture);
    assert_failed (fixture, cases[i].code, cases[i].words);
    g_clear_object (&fixture->solver);
    g_clear_object (&fixture->host);
    g_variant_dict_init (&fixture->settings, NULL);
  }
}

static void
test_stops (Fixture *fixture, gconstpointer data)
{
  set (fixture, "type", "dns-01");
  set (fixture, "convention", "certbot");
  set_script (fixture, "command",
              "echo \"$CERTBOT_DOMAIN\" >>log; [ $CERTBOT_DOMAIN != b.example ]");
  set_script (fixture, "cleanup-command",
              "echo \"clean $CERTBOT_DOMAIN\" >>log; [ $CERTBOT_DOMAIN != a.example ]");
  make (fixture);
  add (fixture, "dns-01", "a.example", TOKEN_A);
  add (fixture, "dns-01", "b.example", TOKEN_B);
  add (fixture, "dns-01", "c.example", TOKEN_A);
  present (fixture);
  assert_failed (fixture, HERD_ERROR_CHALLENGE_FAILED, "could not present b.example");
  assert_text (fixture, "log", "a.example\nb.example\n");
  clean_up (fixture);
  assert_failed (fixture, HERD_ERROR_CHALLENGE_FAILED, "could not clean up a.example");
  assert_text (fixture, "log",
               "a.example\nb.example\nclean a.example\nclean b.example\nclean c.example\n");
}

static void
test_timeout (Fixture *fixture, gconstpointer data)
{
  set (fixture, "type", "dns-01");
  set (fixture, "timeout", "1s");
  set_script (fixture, "command", "echo started >log; sleep 1000");
  make (fixture);
  add (fixture, "dns-01", "a.example", TOKEN_A);
  present (fixture);
  assert_failed (fixture, HERD_ERROR_UNREACHABLE, "the solver's timeout");
  assert_text (fixture, "log", "started\n");
}

static void
test_cancel (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();

  set (fixture, "type", "dns-01");
  set_script (fixture, "command", "sleep 1000");
  make (fixture);
  add (fixture, "dns-01", "a.example", TOKEN_A);
  herd_solver_present_async (fixture->solver, fixture->challenges, cancellable, on_presented,
                             fixture);
  g_cancellable_cancel (cancellable);
  wait_for_end (fixture);
  assert_failed (fixture, HERD_ERROR_CANCELLED, "command");
}

static void
test_missing (Fixture *fixture, gconstpointer data)
{
  const char *const words[] = { "/nowhere/hook", NULL };

  set (fixture, "type", "dns-01");
  g_variant_dict_insert (&fixture->settings, "command", "^as", words);
  make (fixture);
  add (fixture, "dns-01", "a.example", TOKEN_A);
  present (fixture);
  assert_failed (fixture, HERD_ERROR_ACTION_REQUIRED, "/nowhere/hook");
}

/* What the program has published must be seen, before the validator is told to look: of dns-01. */
static void
test_await (Fixture *fixture, gconstpointer data)
{
  const char *type = data;

  set (fixture, "type", type);
  set (fixture, "propagation-timeout", "1s");
  set_script (fixture, "command", "echo published >log");
  make_checking (fixture);
  add (fixture, type, "a.example", TOKEN_A);
  present (fixture);
  assert_text (fixture, "log", "published\n");
  if (g_str_equal (type, "dns-01"))
    assert_failed (fixture, HERD_ERROR_UNREACHABLE, "_acme-challenge.a.example");
  else
    g_assert_no_error (fixture->error);
}

/* --- settings --- */

static void
test_settings (void)
{
  static const struct {
    const char *text; /* key, "=", value … */
    const char *words;
  } cases[] = {
    { "type=dns-01", "solver hooks: command: " },
    { "command=/bin/true", "solver hooks: type: " },
    { "command=/bin/true type=tls-alpn-01 convention=certbot", "solver hooks: type: " },
    { "command=/bin/true type=tls-alpn-01 convention=dehydrated", "solver hooks: type: " },
    { "command=/bin/true type=dns-01 cleanup-command=/bin/true", "cleanup-command: " },
    { "command=/bin/true type=dns-01 convention=dehydrated cleanup-command=/bin/true",
      "cleanup-command: " },
    { "command=/bin/true type=dns-01 convention=certbot hook-chain=yes", "hook-chain: " },
  };
  g_autoptr (HerdClock) clock = herd_clock_new_system ();
  g_autoptr (HerdDns) dns = make_dns (clock);

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_auto (GStrv) pairs = g_strsplit_set (cases[i].text, " =", -1);
    g_autoptr (GVariant) values = NULL;
    g_autoptr (HerdSolverHost) host = NULL;
    g_autoptr (HerdSolver) solver = NULL;
    g_autoptr (GError) error = NULL;
    GVariantDict settings;

    g_variant_dict_init (&settings, NULL);
    for (char **pair = pairs; *pair != NULL; pair += 2)
      g_variant_dict_insert (&settings, pair[0], "s", pair[1]);
    values = g_variant_ref_sink (g_variant_dict_end (&settings));
    host = HERD_SOLVER_HOST (herd_core_solver_host_new ("hooks", values, NULL, dns, clock));
    solver = g_object_new (herd_plugin.get_type (), "host", host, NULL);
    g_assert_false (herd_solver_check (solver, &error));
    g_assert_error (error, HERD_ERROR, HERD_ERROR_INVALID_ARGUMENT);
    g_assert_nonnull (strstr (error->message, cases[i].words));
  }
}

static void
test_types (Fixture *fixture, gconstpointer data)
{
  const char *type = data;
  gboolean by_dns = g_str_equal (type, "dns-01");

  set (fixture, "type", type);
  set_script (fixture, "command", "true");
  make (fixture);
#define FIRST(identifier) herd_solver_get_challenge_types (fixture->solver, identifier)[0]
  g_assert_cmpstr (FIRST ("www.example.org"), ==, type);
  g_assert_cmpstr (FIRST ("*.example.org"), ==, by_dns ? type : NULL);
  g_assert_cmpstr (FIRST ("192.0.2.1"), ==, by_dns ? NULL : type);
#undef FIRST
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define ADD(path, data, func)                                                                      \
  g_test_add ("/solver-exec/" path, Fixture, data, setup, func, teardown)
  ADD ("certherd", NULL, test_certherd);
  ADD ("certherd/http-01", "http-01", test_certherd_key_authorization);
  ADD ("certherd/tls-alpn-01", "tls-alpn-01", test_certherd_key_authorization);
  ADD ("certbot/dns", NULL, test_certbot_dns);
  ADD ("certbot/http", NULL, test_certbot_http);
  ADD ("certbot/restarted", NULL, test_certbot_restarted);
  ADD ("dehydrated", NULL, test_dehydrated);
  ADD ("dehydrated/chain", NULL, test_dehydrated_chain);
  ADD ("dehydrated/twins", NULL, test_dehydrated_twins);
  ADD ("statuses", NULL, test_statuses);
  ADD ("stops", NULL, test_stops);
  ADD ("timeout", NULL, test_timeout);
  ADD ("cancel", NULL, test_cancel);
  ADD ("missing", NULL, test_missing);
  ADD ("await/dns-01", "dns-01", test_await);
  ADD ("await/http-01", "http-01", test_await);
  ADD ("types/dns-01", "dns-01", test_types);
  ADD ("types/http-01", "http-01", test_types);
  ADD ("types/tls-alpn-01", "tls-alpn-01", test_types);
  g_test_add_func ("/solver-exec/settings", test_settings);
#undef ADD
  return g_test_run ();
}
