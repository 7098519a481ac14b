// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * A pass of certherd-deliver, with the real adapters as modules, against a double of the agent and a TLS
 * server that reads the delivered files, or does not.
 */
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "deliver-fixture.h"
#include "deliver/probe.h"
#include "plugin/error.h"

static void
test_live (DeliverFixture *fixture, gconstpointer data)
{
  static const DoubleCertificate certificates[] = { { "a", 1 }, { "b", 7, 6 } };
  g_autoptr (AgentDouble) agent = agent_double_new (certificates, 2);

  deliver_fixture_run (fixture, agent, "live", HERD_PASS_DONE);
  g_assert_cmpstr (agent->told->str, ==,
                   "subscribe live\nopen a 1\nopen b 7\nacknowledge a 1 yes \n"
                   "acknowledge b 7 yes \nclose\n");
  deliver_fixture_assert_key (fixture, "state/live/a/privkey.pem", "a", 1);
  deliver_fixture_assert_key (fixture, "state/live/b/privkey.pem", "b", 7);
}

static void
test_nothing (DeliverFixture *fixture, gconstpointer data)
{
  g_autoptr (AgentDouble) agent = agent_double_new (NULL, 0);

  deliver_fixture_run (fixture, agent, "live", HERD_PASS_DONE);
  g_assert_cmpstr (agent->told->str, ==, "subscribe live\nclose\n");
}

static void
test_withdraw (DeliverFixture *fixture, gconstpointer data)
{
  static const DoubleCertificate before[] = { { "a", 1 }, { "b", 1 } };
  static const DoubleCertificate after[] = { { "a", 0 }, { "b", 2 } };
  g_autofree char *link = g_build_filename (fixture->state, "live/a", NULL);
  g_autofree char *archive = g_build_filename (fixture->state, "archive/a", NULL);
  g_autoptr (AgentDouble) first = agent_double_new (before, 2);
  g_autoptr (AgentDouble) second = NULL;

  deliver_fixture_run (fixture, first, "live", HERD_PASS_DONE);
  g_clear_pointer (&first, agent_double_free);
  second = agent_double_new (after, 2);
  deliver_fixture_run (fixture, second, "live", HERD_PASS_DONE);
  deliver_assert_told (second, "acknowledge a 0 yes \n");
  deliver_assert_told (second, "acknowledge b 2 yes \n");
  g_assert_false (g_file_test (link, G_FILE_TEST_EXISTS));
  g_assert_false (g_file_test (archive, G_FILE_TEST_EXISTS));
}

/* One that cannot be installed does not hold the others up. */
static void
test_in_the_way (DeliverFixture *fixture, gconstpointer data)
{
  static const DoubleCertificate certificates[] = { { "a", 1 }, { "b", 1 }, { "c", 1 } };
  g_autoptr (AgentDouble) agent = agent_double_new (certificates, 3);
  g_autofree char *foreign = g_build_filename (fixture->output, "b", NULL);

  deliver_fixture_configure (fixture, "adapter = files\npath = %s", fixture->output);
  g_assert_true (g_file_set_contents (foreign, "somebody's", -1, NULL));
  deliver_fixture_run (fixture, agent, "web", HERD_PASS_DONE);
  deliver_assert_told (agent, "acknowledge a 1 yes \n");
  deliver_assert_told (agent, "acknowledge b 1 no target web: ");
  deliver_assert_told (agent, "output/b was not made by certherd");
  deliver_assert_told (agent, "acknowledge c 1 yes \n");
}

/* Rejected twice, so the generation before comes back and is activated. */
static void
test_rejected (DeliverFixture *fixture, gconstpointer data)
{
  static const DoubleCertificate certificates[] = { { "www", 2, 1 } };
  g_autoptr (AgentDouble) agent = agent_double_new (certificates, 1);
  g_autofree char *program = deliver_fixture_make_program (
      fixture, "[ $CERTHERD_GENERATION = 1 ] || { echo bad certificate >&2; exit 1; }");
  g_autofree char *log = NULL;

  deliver_fixture_configure (fixture, "adapter = exec\ncommand = %s\npath = %s", program,
                             fixture->output);
  deliver_fixture_run (fixture, agent, "web", HERD_PASS_DONE);
  log = deliver_fixture_read (fixture, "log");
  g_assert_cmpstr (log, ==, "www 2\nwww 2\nwww 1\n");
  deliver_assert_told (agent, "open www 1\n");
  deliver_assert_told (agent, "acknowledge www 2 no target web: ");
  deliver_assert_told (agent, ": bad certificate; generation 1 is back in place\n");
  deliver_fixture_assert_key (fixture, "output/www/privkey.pem", "www", 1);
}

static void
test_rejected_first (DeliverFixture *fixture, gconstpointer data)
{
  static const DoubleCertificate certificates[] = { { "www", 1, 0 }, { "old", 5, 4, 4 } };
  g_autoptr (AgentDouble) agent = agent_double_new (certificates, 2);
  g_autofree char *program = deliver_fixture_make_program (fixture, "exit 1");

  deliver_fixture_configure (fixture, "adapter = exec\ncommand = %s", program);
  deliver_fixture_run (fixture, agent, "web", HERD_PASS_DONE);
  deliver_assert_told (agent, "; there is no earlier generation to go back to\n");
  deliver_assert_told (
      agent, "; the earlier generation could not be put back: taking generation 4 of old");
}

/* What the target has is revoked, or over: nobody asks for its key. */
static void
test_rejected_revoked (DeliverFixture *fixture, gconstpointer data)
{
  static const DoubleCertificate certificates[] = {
    { "www", 2, 1, .is_revoked = TRUE },
    { "old", 5, 4, .is_over = TRUE },
  };
  g_autoptr (AgentDouble) agent = agent_double_new (certificates, 2);
  g_autofree char *program = deliver_fixture_make_program (fixture, "exit 1");

  deliver_fixture_configure (fixture, "adapter = exec\ncommand = %s", program);
  deliver_fixture_run (fixture, agent, "web", HERD_PASS_DONE);
  deliver_assert_told (agent, "acknowledge www 2 no target web: ");
  deliver_assert_told (agent, "; there is no earlier generation to go back to\n");
  g_assert_null (strstr (agent->told->str, "open www 1"));
  g_assert_null (strstr (agent->told->str, "open old 4"));
}

/* Only a moment's trouble: the second activation counts. */
static void
test_second_time (DeliverFixture *fixture, gconstpointer data)
{
  static const DoubleCertificate certificates[] = { { "www", 2, 1 } };
  g_autoptr (AgentDouble) agent = agent_double_new (certificates, 1);
  g_autofree char *marker = g_build_filename (fixture->root, "marker", NULL);
  g_autofree char *script = g_strdup_printf ("[ -e %s ] || { touch %s; exit 1; }", marker, marker);
  g_autofree char *program = deliver_fixture_make_program (fixture, script);

  deliver_fixture_configure (fixture, "adapter = exec\ncommand = %s", program);
  deliver_fixture_run (fixture, agent, "web", HERD_PASS_DONE);
  deliver_assert_told (agent, "acknowledge www 2 yes \n");
}

static void
test_later (DeliverFixture *fixture, gconstpointer data)
{
  static const DoubleCertificate certificates[] = { { "www", 1 } };
  g_autoptr (AgentDouble) agent = agent_double_new (certificates, 1);
  g_autofree char *program = deliver_fixture_make_program (fixture, "echo rebooting >&2; exit 75");

  deliver_fixture_configure (fixture, "adapter = exec\ncommand = %s", program);
  deliver_fixture_run (fixture, agent, "web", HERD_PASS_PENDING);
  deliver_assert_told (agent, "acknowledge www 1 no retry: target web: ");
  deliver_assert_told (agent, "rebooting");
}

/* What the agent sends is checked before anything is done with it. */
static void
test_bad_bundles (DeliverFixture *fixture, gconstpointer data)
{
  static const DoubleCertificate certificates[] = {
    { "unsealed", 1, 0, 0, TRUE }, { "gone", 3, 0, 3 }, { "good", 1 }, { "../../evil", 1 }
  };
  g_autoptr (AgentDouble) agent = agent_double_new (certificates, 4);
  g_autofree char *evil = g_build_filename (fixture->root, "evil", NULL);

  deliver_fixture_run (fixture, agent, "live", HERD_PASS_PENDING);
  deliver_assert_told (agent, "acknowledge unsealed 1 no retry: ");
  deliver_assert_told (agent,
                       "acknowledge gone 3 no retry: taking generation 3 of gone: it is not kept");
  deliver_assert_told (agent, "acknowledge good 1 yes \n");
  g_assert_null (strstr (agent->told->str, "evil"));
  g_assert_false (g_file_test (evil, G_FILE_TEST_EXISTS));
}

/* People look for the reason where the delivery is shown. */
static void
test_bad_target (DeliverFixture *fixture, gconstpointer data)
{
  static const DoubleCertificate certificates[] = { { "www", 1 } };
  static const struct {
    const char *keys, *words;
  } bad[] = {
    { "adapter = files", "path" },
    { "adapter = nonsense", "adapter-nonsense.so" },
    { "path = /tmp", "no adapter is set" },
    { "adapter = files\npath = nowhere", "web.conf:3" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (bad); i++) {
    g_autoptr (AgentDouble) agent = agent_double_new (certificates, 1);

    deliver_fixture_configure (fixture, "%s", bad[i].keys);
    deliver_fixture_run (fixture, agent, "web", HERD_PASS_FAILED);
    deliver_assert_told (agent, "acknowledge www 1 no ");
    deliver_assert_told (agent, bad[i].words);
  }
}

static void
test_refused (DeliverFixture *fixture, gconstpointer data)
{
  g_autoptr (AgentDouble) agent = agent_double_new (NULL, 0);

  agent->refusal = "org.certherd.Error.NotAuthorized";
  deliver_fixture_run (fixture, agent, "live", HERD_PASS_FAILED);
  g_assert_cmpstr (agent->told->str, ==, "subscribe live\n");
}

static void
test_busy (DeliverFixture *fixture, gconstpointer data)
{
  g_autoptr (AgentDouble) agent = agent_double_new (NULL, 0);

  agent->refusal = "org.certherd.Error.Busy";
  deliver_fixture_run (fixture, agent, "live", HERD_PASS_PENDING);
}

static void
test_vanishing (DeliverFixture *fixture, gconstpointer data)
{
  static const DoubleCertificate certificates[] = { { "www", 1 } };
  g_autoptr (AgentDouble) agent = agent_double_new (certificates, 1);
  g_autofree char *link = g_build_filename (fixture->state, "live/www", NULL);

  agent->vanishes = TRUE;
  deliver_fixture_run (fixture, agent, "live", HERD_PASS_PENDING);
  g_assert_false (g_file_test (link, G_FILE_TEST_EXISTS));
}

static void
test_absent (DeliverFixture *fixture, gconstpointer data)
{
  g_autoptr (AgentDouble) agent = agent_double_new (NULL, 0);

  agent_double_start (agent);
  agent_double_stop (agent);
  g_assert_cmpint (herd_pass_run ("live", &fixture->places), ==, HERD_PASS_PENDING);
}

/* --- with a server --- */

typedef struct {
  GSocketService *service;
  guint16 port;
  char *file;     /* the certificate is read from it for each connection … */
  char *fallback; /* … or this one is shown, */
  int stale;      /* so often before (-1: always) */
} Server;

/* In a thread of the service's. */
static gboolean
on_connection (GThreadedSocketService *service, GSocketConnection *connection, GObject *source,
               gpointer data)
{
  Server *server = data;
  g_autoptr (GTlsCertificate) certificate = NULL;
  g_autoptr (GIOStream) tls = NULL;

  if (server->stale == 0)
    certificate = g_tls_certificate_new_from_file (server->file, NULL);
  else
    certificate = g_tls_certificate_new_from_pem (server->fallback, -1, NULL);
  if (server->stale > 0)
    server->stale--;
  if (certificate == NULL)
    return TRUE;
  tls = g_tls_server_connection_new (G_IO_STREAM (connection), certificate, NULL);
  g_tls_connection_handshake (G_TLS_CONNECTION (tls), NULL, NULL);
  g_io_stream_close (tls, NULL, NULL);
  return TRUE;
}

static Server *
server_new (DeliverFixture *fixture, int stale)
{
  Server *server = g_new0 (Server, 1);
  gboolean listening = FALSE;

  server->file = g_build_filename (fixture->output, "www/combined.pem", NULL);
  server->fallback = g_strconcat (agent_double_get_key ("www", 1),
                                  agent_double_get_chain ("www", 1), NULL);
  server->stale = stale;
  /* More threads than connections: one that frees the last of them would start the service again,
   * after it was stopped. */
  server->service = g_threaded_socket_service_new (64);
  for (guint i = 0; i < 1000 && !listening; i++) {
    server->port = (guint16) g_random_int_range (20000, 32000);
    listening = g_socket_listener_add_inet_port (G_SOCKET_LISTENER (server->service), server->port,
                                                 NULL, NULL);
  }
  g_assert_true (listening);
  g_signal_connect (server->service, "run", G_CALLBACK (on_connection), server);
  return server;
}

static void
server_free (Server *server)
{
  g_socket_service_stop (server->service);
  /* Its accept ends in this context; one that found its socket closed would be a warning. */
  while (g_main_context_iteration (NULL, FALSE))
    continue;
  g_socket_listener_close (G_SOCKET_LISTENER (server->service));
  g_object_unref (server->service);
  g_free (server->file);
  g_free (server->fallback);
  g_free (server);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC (Server, server_free)

static gpointer
accept_connections (gpointer data)
{
  g_main_loop_run (data);
  return NULL;
}

/* A pass while the main context, which accepts, is run by another thread. */
static void
run_with_server (DeliverFixture *fixture, AgentDouble *agent, int status)
{
  g_autoptr (GMainLoop) loop = g_main_loop_new (NULL, FALSE);
  GThread *thread = g_thread_new ("server", accept_connections, loop);

  deliver_fixture_run (fixture, agent, "web", status);
  while (!g_main_loop_is_running (loop))
    g_thread_yield ();
  g_main_loop_quit (loop);
  g_thread_join (thread);
}

static void
test_proved (DeliverFixture *fixture, gconstpointer data)
{
  static const DoubleCertificate certificates[] = { { "www", 2, 1 }, { "mail", 1 } };
  g_autoptr (AgentDouble) agent = agent_double_new (certificates, 2);
  g_autoptr (Server) server = server_new (fixture, 0);

  deliver_fixture_configure (
      fixture, "adapter = files\npath = %s\nprobe = tls:127.0.0.1:%u?sni=www.example.org",
      fixture->output, server->port);
  run_with_server (fixture, agent, HERD_PASS_DONE);
  deliver_assert_told (agent, "acknowledge www 2 yes proved: tls:127.0.0.1:");
  /* The probe is about another name than this one's. */
  deliver_assert_told (agent, "acknowledge mail 1 yes \n");
}

/* A reload takes a moment: the old leaf is seen first, and no resumed session shows it again. */
static void
test_proved_later (DeliverFixture *fixture, gconstpointer data)
{
  static const DoubleCertificate certificates[] = { { "www", 2, 1 } };
  g_autoptr (AgentDouble) agent = agent_double_new (certificates, 1);
  g_autoptr (Server) server = server_new (fixture, 3);

  deliver_fixture_configure (fixture, "adapter = files\npath = %s\nprobe = tls:127.0.0.1:%u",
                             fixture->output, server->port);
  run_with_server (fixture, agent, HERD_PASS_DONE);
  deliver_assert_told (agent, "acknowledge www 2 yes proved: ");
}

static void
test_not_proved (DeliverFixture *fixture, gconstpointer data)
{
  static const DoubleCertificate certificates[] = { { "www", 2, 1 } };
  g_autoptr (AgentDouble) agent = agent_double_new (certificates, 1);
  g_autoptr (Server) server = server_new (fixture, -1);

  deliver_fixture_configure (fixture, "adapter = files\npath = %s\nprobe = tls:127.0.0.1:%u",
                             fixture->output, server->port);
  run_with_server (fixture, agent, HERD_PASS_DONE);
  deliver_assert_told (agent, "acknowledge www 2 no tls:127.0.0.1:");
  deliver_assert_told (agent, "shows another certificate: SHA-256 ");
  deliver_assert_told (agent, "generation 1 is back in place\n");
  deliver_fixture_assert_key (fixture, "output/www/privkey.pem", "www", 1);
}

static void
test_nobody_answers (DeliverFixture *fixture, gconstpointer data)
{
  g_autoptr (HerdProbe) probe = NULL;
  g_autoptr (HerdFacts) facts = herd_facts_new ();
  g_autoptr (GError) error = NULL;
  g_autofree char *text = NULL;
  Server *server = server_new (fixture, 0);

  text = g_strdup_printf ("tls:127.0.0.1:%u", server->port);
  server_free (server);
  probe = herd_probe_parse (text, &error);
  g_assert_no_error (error);
  g_assert_false (herd_probe_run (probe, "www.example.org", facts, 0, &error));
  g_assert_error (error, HERD_ERROR, HERD_ERROR_UNREACHABLE);
  g_assert_nonnull (strstr (error->message, text));
}

static void
test_choose_name (void)
{
  static const struct {
    const char *probe, *identifiers, *name;
  } choices[] = {
    { "tls:h:1", "a.example b.example", "a.example" },
    { "tls:h:1", "*.example.org a.example", "a.example" },
    { "tls:h:1", "*.example.org", "certherd-probe.example.org" },
    { "tls:h:1", "192.0.2.1 a.example", "a.example" },
    { "tls:h:1", "192.0.2.1", "" },
    { "tls:h:1", "", NULL },
    { "tls:h:1?sni=b.example", "a.example b.example", "b.example" },
    { "tls:h:1?sni=b.example", "a.example", NULL },
    { "tls:h:1?sni=x.b.example", "*.b.example", "x.b.example" },
    { "tls:h:1?sni=b.example", "*.b.example", NULL },
    { "tls:h:1?sni=x.y.b.example", "*.b.example", NULL },
  };

  for (guint i = 0; i < G_N_ELEMENTS (choices); i++) {
    g_autoptr (HerdProbe) probe = herd_probe_parse (choices[i].probe, NULL);
    g_autoptr (HerdFacts) facts = herd_facts_new ();
    g_autofree char *name = NULL;

    g_assert_nonnull (probe);
    g_strfreev (facts->identifiers);
    facts->identifiers = g_strsplit (choices[i].identifiers, " ", -1);
    name = herd_probe_choose_name (probe, facts);
    g_assert_cmpstr (name, ==, choices[i].name);
  }
}

int
main (int argc, char **argv)
{
  /* As certherd-deliver's main() does. */
  g_setenv ("G_TLS_GNUTLS_PRIORITY", "NORMAL:%COMPAT:%NO_TICKETS", TRUE);
  g_test_init (&argc, &argv, NULL);
#define ADD(name, function)                                                                        \
  g_test_add ("/deliver/" name, DeliverFixture, NULL, deliver_fixture_set_up, function,            \
              deliver_fixture_tear_down)
  ADD ("live", test_live);
  ADD ("nothing", test_nothing);
  ADD ("withdraw", test_withdraw);
  ADD ("in-the-way", test_in_the_way);
  ADD ("rejected", test_rejected);
  ADD ("rejected-first", test_rejected_first);
  ADD ("rejected/revoked", test_rejected_revoked);
  ADD ("second-time", test_second_time);
  ADD ("later", test_later);
  ADD ("bad-bundles", test_bad_bundles);
  ADD ("bad-target", test_bad_target);
  ADD ("refused", test_refused);
  ADD ("busy", test_busy);
  ADD ("vanishing", test_vanishing);
  ADD ("absent", test_absent);
  ADD ("proved", test_proved);
  ADD ("proved-later", test_proved_later);
  ADD ("not-proved", test_not_proved);
  ADD ("nobody-answers", test_nobody_answers);
  g_test_add_func ("/deliver/choose-name", test_choose_name);
  return g_test_run ();
}
