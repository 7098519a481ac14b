// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Whom a session of net/http trusts, and that nothing of one session's trust gets into another's.
 */
#include <glib/gstdio.h>
#include <signal.h>
#include <string.h>

#include "http-fixture.h"

static gboolean
serve (TestExchange *exchange, gpointer data G_GNUC_UNUSED)
{
  return test_exchange_answer (exchange, 200, NULL, "hello");
}

static void
set_up (HttpFixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
  http_set_up (fixture, serve);
}

static void
test_trust (HttpFixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
  g_autoptr (TestCa) other = test_ca_new ("B");
  HerdHttpOptions options = { .user_agent = "x", .clock = fixture->clock };
  static const char *const bad[] = {
    "", "no certificate here", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"
  };
  HttpAnswer answer = { 0 };

  for (guint i = 0; i < G_N_ELEMENTS (bad); i++) {
    g_autoptr (GError) error = NULL;

    options.trust = bad[i];
    g_assert_null (herd_http_new (&options, &error));
    g_assert_error (error, HERD_ERROR, HERD_ERROR_INVALID_ARGUMENT);
  }
  herd_http_free (fixture->http);
  fixture->http = http_new_session (fixture, test_ca_get_pem (other), 0);
  http_get (fixture, "/hello", &answer);
  http_assert_failed (&answer, HERD_ERROR_UNREACHABLE, "signed by a CA that is not trusted");
  herd_http_free (fixture->http);
  fixture->http = http_new_session (fixture, NULL, 0);
  http_get (fixture, "/hello", &answer);
  http_assert_failed (&answer, HERD_ERROR_UNREACHABLE, "signed by a CA that is not trusted");
  g_assert_cmpuint (test_server_get_requests (fixture->server), ==, 0);
}

/* openssl's server, because GLib's gives no tickets. It tells each request that it reads. */
typedef struct {
  GSubprocess *process;
  GDataInputStream *output;
} OpensslServer;

static char *
read_line (OpensslServer *server)
{
  return g_data_input_stream_read_line_utf8 (server->output, NULL, NULL, NULL);
}

static void
openssl_start (OpensslServer *server, TestCa *ca, const char *directory, guint16 port)
{
  g_autofree char *pem = test_ca_new_server_pem (ca);
  g_autofree char *path = g_build_filename (directory, "server.pem", NULL);
  g_autofree char *address = g_strdup_printf ("127.0.0.1:%u", port);
  g_autoptr (GSubprocessLauncher) launcher = g_subprocess_launcher_new (
      G_SUBPROCESS_FLAGS_STDOUT_PIPE | G_SUBPROCESS_FLAGS_STDERR_MERGE);
  g_autoptr (GError) error = NULL;
  g_autofree char *line = NULL;

  g_file_set_contents (path, pem, -1, &error);
  g_assert_no_error (error);
  g_subprocess_launcher_set_cwd (launcher, directory);
  server->process = g_subprocess_launcher_spawn (launcher, &error, "openssl", "s_server", "-accept",
                                                 address, "-cert", path, "-key", path, "-WWW",
                                                 NULL);
  g_assert_no_error (error);
  server->output = g_data_input_stream_new (g_subprocess_get_stdout_pipe (server->process));
  while (g_strcmp0 (line, "ACCEPT") != 0) {
    g_free (line);
    line = read_line (server);
    g_assert_nonnull (line);
  }
}

/* How many requests it has read. */
static guint
openssl_stop (OpensslServer *server)
{
  guint requests = 0;
  char *line;

  g_subprocess_send_signal (server->process, SIGTERM);
  while ((line = read_line (server)) != NULL) {
    requests += g_str_has_prefix (line, "FILE:") ? 1 : 0;
    g_free (line);
  }
  g_subprocess_wait (server->process, NULL, NULL);
  g_clear_object (&server->output);
  g_clear_object (&server->process);
  return requests;
}

typedef struct {
  char *directory;
  char *server; /* what openssl is started with */
  char *page;
  char *trust; /* of B */
  char *other; /* of A */
} Files;

static void
files_make (Files *files, TestCa *trusted, TestCa *other)
{
  files->directory = g_dir_make_tmp ("certherd-http-XXXXXX", NULL);
  files->server = g_build_filename (files->directory, "server.pem", NULL);
  files->page = g_build_filename (files->directory, "hello", NULL);
  files->trust = g_build_filename (files->directory, "trust.pem", NULL);
  files->other = g_build_filename (files->directory, "other.pem", NULL);
  g_assert_true (g_file_set_contents (files->page, "hello", -1, NULL));
  g_assert_true (g_file_set_contents (files->trust, test_ca_get_pem (trusted), -1, NULL));
  g_assert_true (g_file_set_contents (files->other, test_ca_get_pem (other), -1, NULL));
}

static void
files_remove (Files *files)
{
  char **paths[] = { &files->server, &files->page, &files->trust, &files->other };

  for (guint i = 0; i < G_N_ELEMENTS (paths); i++) {
    g_unlink (*paths[i]);
    g_free (*paths[i]);
  }
  g_rmdir (files->directory);
  g_free (files->directory);
}

/* Two CAs' servers one after the other on the same host and port: a session that trusts only A is
 * refused by B, even if it was connected to A before. */
static void
test_other_ca (HttpFixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
  g_autoptr (TestCa) other = test_ca_new ("B");
  g_autofree char *url = test_server_get_url (fixture->server, "/hello");
  guint16 port = test_server_get_port (fixture->server);
  OpensslServer server = { 0 };
  HttpAnswer answer = { 0 };
  Files files;

  files_make (&files, other, fixture->ca);
  g_clear_pointer (&fixture->server, test_server_free);
  openssl_start (&server, fixture->ca, files.directory, port);
  http_start (fixture->http, url, FALSE, NULL, &answer);
  http_wait_for (&answer);
  g_assert_no_error (answer.error);
  http_answer_clear (&answer);
  g_assert_cmpuint (openssl_stop (&server), ==, 1);

  openssl_start (&server, other, files.directory, port);
  http_start (fixture->http, url, FALSE, NULL, &answer);
  http_wait_for (&answer);
  http_assert_failed (&answer, HERD_ERROR_UNREACHABLE, "not trusted");
  g_assert_cmpuint (openssl_stop (&server), ==, 0);
  files_remove (&files);
}

/* The ticket trap: a session that trusts B leaves tickets of B behind in the process, with which a
 * session that trusts only A would be let in by B. Both protections are tried: without
 * herd_net_init() the check of the peer's certificate has to hold alone. */
static void
test_tickets (HttpFixture *fixture, gconstpointer data)
{
  g_autoptr (TestCa) other = test_ca_new ("B");
  g_autofree char *url = test_server_get_url (fixture->server, "/hello");
  g_autofree char *program = g_test_build_filename (G_TEST_BUILT, "http-fetch", NULL);
  guint16 port = test_server_get_port (fixture->server);
  g_autoptr (GPtrArray) words = g_ptr_array_new ();
  g_autoptr (GSubprocess) process = NULL;
  g_autoptr (GError) error = NULL;
  g_autofree char *output = NULL;
  g_auto (GStrv) lines = NULL;
  OpensslServer server = { 0 };
  Files files;

  files_make (&files, other, fixture->ca);
  g_clear_pointer (&fixture->server, test_server_free);
  openssl_start (&server, other, files.directory, port);
  g_ptr_array_add (words, program);
  if (data != NULL)
    g_ptr_array_add (words, (gpointer) data);
  g_ptr_array_add (words, url);
  g_ptr_array_add (words, files.trust);
  g_ptr_array_add (words, files.other);
  g_ptr_array_add (words, files.trust);
  g_ptr_array_add (words, NULL);
  process = g_subprocess_newv ((const char *const *) words->pdata, G_SUBPROCESS_FLAGS_STDOUT_PIPE,
                               &error);
  g_assert_no_error (error);
  g_assert_true (g_subprocess_communicate_utf8 (process, NULL, NULL, &output, NULL, &error));
  lines = g_strsplit (output, "\n", -1);
  g_assert_cmpuint (g_strv_length (lines), ==, 4);
  g_assert_cmpstr (lines[0], ==, "200");
  g_assert_nonnull (strstr (lines[1], "signed by a CA that is not trusted"));
  g_assert_cmpstr (lines[2], ==, "200");
  g_assert_cmpuint (openssl_stop (&server), ==, 2);
  files_remove (&files);
}

static void
test_init (void)
{
  if (g_test_subprocess ()) {
    g_setenv ("G_TLS_GNUTLS_PRIORITY", "", TRUE);
    herd_net_init ();
    g_assert_cmpstr (g_getenv ("G_TLS_GNUTLS_PRIORITY"), ==,
                     "NORMAL:%COMPAT:-VERS-TLS1.0:-VERS-TLS1.1:%NO_TICKETS");
    herd_net_init ();
    g_assert_cmpstr (g_getenv ("G_TLS_GNUTLS_PRIORITY"), ==,
                     "NORMAL:%COMPAT:-VERS-TLS1.0:-VERS-TLS1.1:%NO_TICKETS");
    g_setenv ("G_TLS_GNUTLS_PRIORITY", "SECURE256", TRUE);
    herd_net_init ();
    g_assert_cmpstr (g_getenv ("G_TLS_GNUTLS_PRIORITY"), ==, "SECURE256:%NO_TICKETS");
    return;
  }
  g_test_trap_subprocess (NULL, 0, G_TEST_SUBPROCESS_DEFAULT);
  g_test_trap_assert_passed ();
}

int
main (int argc, char **argv)
{
  /* As on most machines; programs that are started here see it too. */
  g_unsetenv ("G_TLS_GNUTLS_PRIORITY");
  herd_net_init ();
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/trust/init", test_init);
  g_test_add ("/trust/anchors", HttpFixture, NULL, set_up, test_trust, http_tear_down);
  g_test_add ("/trust/other-ca", HttpFixture, NULL, set_up, test_other_ca, http_tear_down);
  g_test_add ("/trust/tickets", HttpFixture, NULL, set_up, test_tickets, http_tear_down);
  g_test_add ("/trust/tickets-without-init", HttpFixture, "--without-init", set_up, test_tickets,
              http_tear_down);
  return g_test_run ();
}
