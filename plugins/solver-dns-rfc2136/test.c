// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * solver-dns-rfc2136 without a server: keys, nsupdate's language, settings. At real servers it is tested in
 * tests/acme/test-dns.c. Built for a place where there is no nsupdate.
 */
#include <glib/gstdio.h>
#include <string.h>

#include "key.h"
#include "plugin/error.h"
#include "plugin/plugin.h"
#include "plugin/solver.h"
#include "update.h"

extern const HerdPlugin herd_plugin;

#define SECRET "c2VjcmV0LXNlY3JldC1zZWNyZXQ="
#define VALUE "lCM7cZyQXcVHK2nnW3jjAhNT3Fvm18UN-kWZZknKoYM"

#define assert_says(error, code, words)                                                            \
  G_STMT_START                                                                                     \
  {                                                                                                \
    g_assert_error (error, HERD_ERROR, (int) code);                                                \
    if (strstr ((error)->message, words) == NULL || strstr ((error)->message, "c2Vj") != NULL)     \
      g_error ("\"%s\" does not say \"%s\", or says too much", (error)->message, words);           \
    g_clear_error (&(error));                                                                      \
  }                                                                                                \
  G_STMT_END

/* A double: a host with settings only. */
#define TEST_TYPE_HOST (test_host_get_type ())
G_DECLARE_FINAL_TYPE (TestHost, test_host, TEST, HOST, GObject)

struct _TestHost {
  GObject parent;
  const char *server, *key_file;
};

static const char *
host_get_name (HerdSolverHost *host G_GNUC_UNUSED)
{
  return "dns";
}

static const char *
host_get_setting (HerdSolverHost *host, const char *key)
{
  if (g_str_equal (key, "server"))
    return TEST_HOST (host)->server;
  return g_str_equal (key, "key-file") ? TEST_HOST (host)->key_file : NULL;
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
test_host_class_init (TestHostClass *klass G_GNUC_UNUSED)
{}

static void
test_host_init (TestHost *host G_GNUC_UNUSED)
{}

typedef struct {
  char *path;
} Fixture;

static void
set_up (Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
  int fd = g_file_open_tmp ("certherd-key-XXXXXX", &fixture->path, NULL);

  g_assert_true (g_close (fd, NULL));
}

static void
tear_down (Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
  g_unlink (fixture->path);
  g_free (fixture->path);
}

static UpdateKey *
read_key (Fixture *fixture, const char *contents, const char *name, const char *algorithm,
          GError **error)
{
  g_assert_true (g_file_set_contents (fixture->path, contents, -1, NULL));
  g_assert_cmpint (g_chmod (fixture->path, 0640), ==, 0);
  return update_key_read (fixture->path, name, algorithm, error);
}

static void
test_keys (Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
  static const struct {
    const char *contents, *name, *algorithm, *its_name, *its_algorithm;
  } rows[] = {
    { "key \"k.example\" {\n\talgorithm hmac-sha512;\n\tsecret \"" SECRET "\";\n};\n", NULL, NULL,
      "k.example", "hmac-sha512" },
    { "# for certherd\n// made by hand\nkey k { secret \"" SECRET "\"; algorithm hmac-sha384; };",
      NULL, NULL, "k", "hmac-sha384" },
    { "key k { secret " SECRET "; };", "other", "hmac-sha512", "other", "hmac-sha512" },
    { "key k { secret " SECRET "; };", NULL, NULL, "k", "hmac-sha256" },
    { "  " SECRET "\n", "n", NULL, "n", "hmac-sha256" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (rows); i++) {
    g_autoptr (GError) error = NULL;
    g_autoptr (UpdateKey)
        key = read_key (fixture, rows[i].contents, rows[i].name, rows[i].algorithm, &error);

    g_assert_no_error (error);
    g_assert_cmpstr (key->secret, ==, SECRET);
    g_assert_cmpstr (key->name, ==, rows[i].its_name);
    g_assert_cmpstr (key->algorithm, ==, rows[i].its_algorithm);
  }
}

static void
test_bad_keys (Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
  static const char *const bad[] = { "",
                                     "not base64 at all",
                                     "c2VjcmV0\nsend\nupdate add x 1 A 1.2.3.4",
                                     "key k { secret \"c2Vj\nc2Vj\"; };",
                                     "key a { secret " SECRET "; }; key b { secret " SECRET "; };",
                                     "key k { algorithm hmac-sha256; };",
                                     "c2VjcmV0LXNlY3JldC1zZWNyZX=0" };
  g_autofree char *large = g_strnfill (5000, 'A');
  g_autoptr (GError) error = NULL;

  for (guint i = 0; i < G_N_ELEMENTS (bad); i++) {
    g_assert_null (read_key (fixture, bad[i], "k", NULL, &error));
    assert_says (error, HERD_ERROR_ACTION_REQUIRED, "is not a key");
  }
  g_assert_null (read_key (fixture, large, "k", NULL, &error));
  assert_says (error, HERD_ERROR_ACTION_REQUIRED, "is not a text of at most 4096 bytes");
  g_assert_null (read_key (fixture, SECRET, NULL, NULL, &error));
  assert_says (error, HERD_ERROR_INVALID_ARGUMENT, "set key-name");
  g_assert_null (
      read_key (fixture, "key k { algorithm hmac-md5; secret " SECRET "; };", NULL, NULL, &error));
  assert_says (error, HERD_ERROR_INVALID_ARGUMENT, "hmac-sha256");
  g_assert_null (update_key_read ("/nonexistent/key", "k", NULL, &error));
  assert_says (error, HERD_ERROR_ACTION_REQUIRED, "/nonexistent/key: No such file");
  g_assert_null (update_key_read ("/dev/null", "k", NULL, &error));
  assert_says (error, HERD_ERROR_ACTION_REQUIRED, "is not a file");
}

static void
test_open_key (Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
  g_autoptr (GError) error = NULL;
  G_GNUC_UNUSED g_autoptr (UpdateKey) key = read_key (fixture, SECRET, "k", NULL, &error);

  g_assert_no_error (error);
  g_assert_cmpstr (key->secret, ==, SECRET);
  g_assert_cmpint (g_chmod (fixture->path, 0644), ==, 0);
  g_assert_null (update_key_read (fixture->path, "k", NULL, &error));
  assert_says (error, HERD_ERROR_ACTION_REQUIRED,
               "(mode 0644) can be read or written by everybody");
  g_assert_cmpint (g_chmod (fixture->path, 0602), ==, 0);
  g_assert_null (update_key_read (fixture->path, "k", NULL, &error));
  assert_says (error, HERD_ERROR_ACTION_REQUIRED, "(mode 0602)");
}

static void
assert_input (const char *server, gboolean add, const char *wanted)
{
  UpdateKey key = { (char *) "k", (char *) "hmac-sha256", (char *) SECRET };
  g_autoptr (Update) update = update_new ("example.org");
  g_autoptr (GError) error = NULL;
  g_autoptr (GBytes) input = NULL;

  g_assert_true (update_add (update, "_acme-challenge.example.org", VALUE, &error));
  g_assert_true (update_add (update, "_acme-challenge.a.example.org", VALUE, &error));
  g_assert_no_error (error);
  input = update_write (update, server, &key, 60, add);
  g_assert_cmpmem (g_bytes_get_data (input, NULL), g_bytes_get_size (input), wanted,
                   strlen (wanted));
}

static void
test_input (void)
{
  assert_input ("ns1.example.org:53", TRUE,
                "server ns1.example.org 53\nkey hmac-sha256:k " SECRET "\nzone example.org.\n"
                "update add _acme-challenge.example.org. 60 IN TXT \"" VALUE "\"\n"
                "update add _acme-challenge.a.example.org. 60 IN TXT \"" VALUE "\"\nsend\n");
  assert_input ("[2001:db8::1]:5353", FALSE,
                "server 2001:db8::1 5353\nkey hmac-sha256:k " SECRET "\nzone example.org.\n"
                "update delete _acme-challenge.example.org. IN TXT \"" VALUE "\"\n"
                "update delete _acme-challenge.a.example.org. IN TXT \"" VALUE "\"\nsend\n");
}

/* A CNAME may lead to names that a command would fit in. */
static void
test_injection (void)
{
  static const char *const bad[] = { "a.example.org\nupdate delete example.org",
                                     "a b.example.org",
                                     "a\\.b.example.org",
                                     "a\\010.example.org",
                                     "\"a.example.org",
                                     ";a.example.org",
                                     "a..example.org",
                                     ".example.org",
                                     "example.org.",
                                     "" };
  g_autoptr (Update) update = update_new ("example.org");
  g_autoptr (Update) foul = update_new ("example.org\nsend");
  g_autofree char *long_label = g_strdup_printf ("%064d.example.org", 1);
  g_autoptr (GError) error = NULL;

  for (guint i = 0; i < G_N_ELEMENTS (bad); i++) {
    g_assert_false (update_add (update, bad[i], VALUE, &error));
    assert_says (error, HERD_ERROR_REFUSED, "correct the CNAME");
  }
  g_assert_false (update_add (update, long_label, VALUE, &error));
  assert_says (error, HERD_ERROR_REFUSED, "correct the CNAME");
  g_assert_false (update_add (foul, "a.example.org", VALUE, &error));
  assert_says (error, HERD_ERROR_REFUSED, "correct the CNAME");
  g_assert_false (update_add (update, "badexample.org", VALUE, &error));
  assert_says (error, HERD_ERROR_REFUSED, "is not in the zone example.org");
  g_assert_false (update_add (update, "a.example.org", "\"\nsend", &error));
  assert_says (error, HERD_ERROR_REFUSED, "not a digest");
  g_assert_cmpuint (update->names->len, ==, 0);
}

/* The words are nsupdate's own (9.18); those that a real server gives are tested with one too. */
static void
test_explain (void)
{
  static const struct {
    const char *complaint;
    HerdError code;
    const char *words;
  } rows[] = {
    { "update failed: NOTAUTH(BADSIG)", HERD_ERROR_CHALLENGE_FAILED, "secret in key-file" },
    { "update failed: NOTAUTH(BADKEY)", HERD_ERROR_CHALLENGE_FAILED, "compare key-name" },
    { "update failed: NOTAUTH(BADTIME)", HERD_ERROR_CHALLENGE_FAILED, "five minutes" },
    { "update failed: NOTAUTH", HERD_ERROR_CHALLENGE_FAILED, "not the primary server" },
    { "update failed: NOTZONE", HERD_ERROR_CHALLENGE_FAILED, "correct the solver's zone" },
    { "update failed: REFUSED", HERD_ERROR_CHALLENGE_FAILED, "update-policy" },
    { "update failed: NOTIMP", HERD_ERROR_CHALLENGE_FAILED, "dynamic updates" },
    { "update failed: SERVFAIL", HERD_ERROR_UNREACHABLE, "see its log" },
    { "; Communication with 192.0.2.1#53 failed: timed out", HERD_ERROR_UNREACHABLE, "TCP" },
    { "syntax error", HERD_ERROR_UNREACHABLE, "cannot be resolved" },
    { "update failed: FORMERR", HERD_ERROR_CHALLENGE_FAILED, "FORMERR" },
    { "", HERD_ERROR_CHALLENGE_FAILED, "silent" },
  };
  UpdateKey key = { (char *) "k", (char *) "hmac-sha256", (char *) SECRET };
  g_autoptr (Update) update = update_new ("example.org");

  g_assert_true (update_add (update, "a.example.org", VALUE, NULL));
  for (guint i = 0; i < G_N_ELEMENTS (rows); i++) {
    g_autoptr (GError) error = update_explain (update, "ns:53", &key, 2, rows[i].complaint);

    g_assert_nonnull (
        strstr (error->message, "a.example.org in zone example.org, server ns:53, key k"));
    assert_says (error, rows[i].code, rows[i].words);
  }
}

static void
test_check (Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
  g_autoptr (TestHost) host = g_object_new (TEST_TYPE_HOST, NULL);
  g_autoptr (HerdSolver) solver = g_object_new (herd_plugin.get_type (), "host", host, NULL);
  g_autoptr (GError) error = NULL;

  g_assert_false (herd_solver_check (solver, &error));
  assert_says (error, HERD_ERROR_INVALID_ARGUMENT, "solver dns: server: is missing");
  host->server = "192.0.2.1:53";
  g_assert_false (herd_solver_check (solver, &error));
  assert_says (error, HERD_ERROR_INVALID_ARGUMENT, "solver dns: key-file: is missing");
  host->key_file = fixture->path;
  g_assert_false (herd_solver_check (solver, &error));
  assert_says (error, HERD_ERROR_ACTION_REQUIRED, "install bind9-dnsutils");
}

static void
test_types (void)
{
  g_autoptr (TestHost) host = g_object_new (TEST_TYPE_HOST, NULL);
  g_autoptr (HerdSolver) solver = g_object_new (herd_plugin.get_type (), "host", host, NULL);

  g_assert_cmpstr (herd_solver_get_challenge_types (solver, "www.example.org")[0], ==, "dns-01");
  g_assert_cmpstr (herd_solver_get_challenge_types (solver, "*.example.org")[0], ==, "dns-01");
  g_assert_null (herd_solver_get_challenge_types (solver, "*.example.org")[1]);
  g_assert_null (herd_solver_get_challenge_types (solver, "192.0.2.1")[0]);
  g_assert_null (herd_solver_get_challenge_types (solver, "2001:db8::1")[0]);
}

#define ADD(name, function)                                                                        \
  g_test_add ("/solver-dns-rfc2136/" name, Fixture, NULL, set_up, function, tear_down)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  ADD ("keys", test_keys);
  ADD ("bad-keys", test_bad_keys);
  ADD ("open-key", test_open_key);
  ADD ("check", test_check);
  g_test_add_func ("/solver-dns-rfc2136/input", test_input);
  g_test_add_func ("/solver-dns-rfc2136/injection", test_injection);
  g_test_add_func ("/solver-dns-rfc2136/explain", test_explain);
  g_test_add_func ("/solver-dns-rfc2136/types", test_types);
  return g_test_run ();
}
