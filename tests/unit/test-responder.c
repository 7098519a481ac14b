// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The real certherd-responder, with raw sockets on both of its sides: what it answers, whom it obeys, how
 * it starts and how it ends.
 */
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "responder-process.h"

typedef struct {
  ResponderProcess *process;
  int agent; /* the control connection */
} Fixture;

static void
setup (Fixture *fixture, gconstpointer data)
{
  fixture->process = responder_process_new ();
  responder_process_open_sockets (fixture->process);
  responder_process_start_inherited (fixture->process, NULL);
  g_assert_true (responder_process_wait_ready (fixture->process));
  fixture->agent = responder_process_connect_control (fixture->process);
}

static void
teardown (Fixture *fixture, gconstpointer data)
{
  close (fixture->agent);
  g_assert_cmpint (responder_process_stop (fixture->process, SIGTERM), ==, 0);
  g_assert_cmpstr (fixture->process->complaints, ==, "");
  responder_process_free (fixture->process);
}

static void
tell (Fixture *fixture, HerdWireVerb verb, const char *identifier, const char *name)
{
  g_autoptr (GPtrArray)
      challenges = g_ptr_array_new_with_free_func ((GDestroyNotify) herd_challenge_unref);
  g_autoptr (HerdWireReply) reply = NULL;

  if (identifier != NULL)
    g_ptr_array_add (challenges, responder_process_make_challenge (identifier, name));
  reply = responder_process_ask (fixture->agent, verb, challenges);
  g_assert_nonnull (reply);
  g_assert_cmpstr (reply->message, ==, "");
  g_assert_true (reply->ok);
}

static char *ask (Fixture *fixture, const char *format, ...) G_GNUC_PRINTF (2, 3);

static char *
ask (Fixture *fixture, const char *format, ...)
{
  g_autofree char *text = NULL;
  char *answer;
  va_list arguments;

  va_start (arguments, format);
  text = g_strdup_vprintf (format, arguments);
  va_end (arguments);
  answer = responder_process_exchange (fixture->process->port, FALSE, text, -1);
  g_assert_nonnull (answer);
  return answer;
}

static void
assert_status (const char *answer, const char *status)
{
  g_autofree char *line = g_strdup_printf ("HTTP/1.1 %s\r\n", status);

  if (!g_str_has_prefix (answer, line))
    g_error ("expected %s, got %s", status, answer);
  g_assert_nonnull (strstr (answer, "\r\nConnection: close\r\n"));
  g_assert_nonnull (strstr (answer, "\r\nContent-Length: "));
}

#define PATH "/.well-known/acme-challenge/"
#define TOKEN(name) name "-0123456789abcdefghijkl"
#define BODY(name) TOKEN (name) ".thumbprint-of-" name

static void
test_answers (Fixture *fixture, gconstpointer data)
{
  g_autofree char *got = NULL;
  g_autofree char *head = NULL;
  g_autofree char *old = NULL;
  g_autofree char *six = NULL;

  tell (fixture, HERD_WIRE_ANSWER, "www.example.org", "one");
  got = ask (fixture, "GET " PATH TOKEN ("one") " HTTP/1.1\r\nHost: WWW.example.org:80\r\n\r\n");
  assert_status (got, "200 OK");
  g_assert_nonnull (strstr (got, "\r\nContent-Type: text/plain\r\n"));
  g_assert_true (g_str_has_suffix (got, "\r\n\r\n" BODY ("one")));
  head = ask (fixture, "HEAD " PATH TOKEN ("one") " HTTP/1.1\r\nHost: www.example.org\r\n\r\n");
  assert_status (head, "200 OK");
  g_assert_true (g_str_has_suffix (head, "\r\n\r\n"));
  g_assert_nonnull (strstr (head, "\r\nContent-Length: 44\r\n"));
  g_assert_cmpuint (strlen (BODY ("one")), ==, 44);
  old = ask (fixture, "GET " PATH TOKEN ("one") " HTTP/1.0\r\n\r\n");
  assert_status (old, "200 OK");
  six = responder_process_exchange (fixture->process->port, TRUE,
                                    "GET " PATH TOKEN ("one") " HTTP/1.1\r\n"
                                                              "Host: www.example.org\r\n\r\n",
                                    -1);
  assert_status (six, "200 OK");
}

static void
test_addresses (Fixture *fixture, gconstpointer data)
{
  g_autofree char *four = NULL;
  g_autofree char *six = NULL;

  tell (fixture, HERD_WIRE_ANSWER, "127.0.0.1", "four");
  tell (fixture, HERD_WIRE_ANSWER, "2001:db8::1", "six");
  four = ask (fixture, "GET " PATH TOKEN ("four") " HTTP/1.1\r\nHost: 127.0.0.1:5002\r\n\r\n");
  assert_status (four, "200 OK");
  six = ask (fixture, "GET " PATH TOKEN ("six") " HTTP/1.1\r\nHost: [2001:DB8::0:1]:80\r\n\r\n");
  assert_status (six, "200 OK");
}

static void
test_not_found (Fixture *fixture, gconstpointer data)
{
  static const char *const targets[] = {
    "/",
    PATH,
    PATH TOKEN ("two"),
    PATH TOKEN ("one") "/",
    PATH TOKEN ("one") "?x",
    "/" PATH TOKEN ("one"),
    PATH "../acme-challenge/" TOKEN ("one"),
    PATH "%6fne-0123456789abcdefghijkl",
    "http://www.example.org" PATH TOKEN ("one"),
    "/<script>alert(1)</script>",
    "*",
  };
  g_autofree char *other_host = NULL;
  g_autofree char *no_host = NULL;

  tell (fixture, HERD_WIRE_ANSWER, "www.example.org", "one");
  for (guint i = 0; i < G_N_ELEMENTS (targets); i++) {
    g_autofree char *answer = ask (fixture, "GET %s HTTP/1.1\r\nHost: www.example.org\r\n\r\n",
                                   targets[i]);

    assert_status (answer, "404 Not Found");
    g_assert_null (strstr (answer, "script"));
    g_assert_null (strstr (answer, "thumbprint"));
  }
  other_host = ask (fixture, "GET " PATH TOKEN ("one") " HTTP/1.1\r\nHost: example.org\r\n\r\n");
  assert_status (other_host, "404 Not Found");
  no_host = ask (fixture, "GET " PATH TOKEN ("one") " HTTP/1.1\r\nHost:\r\n\r\n");
  assert_status (no_host, "404 Not Found");
}

static void
test_garbage (Fixture *fixture, gconstpointer data)
{
  g_autofree char *long_line = g_strnfill (20000, 'a');
  g_autofree char *fields = g_strdup_printf ("GET / HTTP/1.1\r\nHost: a\r\nX: %s", long_line);
  g_autofree char *answer = NULL;

  static const char *const bad[] = {
    "\x16\x03\x01\x02",
    "SSH-2.0-OpenSSH_9.2\r\n\r\n",
    "GET / HTTP/1.1\r\n\r\n",
    "GET / HTTP/1.1\nHost: a\n\n",
    "GET /a b HTTP/1.1\r\nHost: a\r\n\r\n",
    "GET / HTTP/3.0\r\nHost: a\r\n\r\n",
  };

  for (guint i = 0; i < G_N_ELEMENTS (bad); i++) {
    g_autofree char *refused = ask (fixture, "%s", bad[i]);

    assert_status (refused, "400 Bad Request");
  }
  answer = ask (fixture, "%s", fields);
  assert_status (answer, "431 Request Header Fields Too Large");
  g_assert_null (strstr (answer, "aaaa"));
}

static void
test_methods (Fixture *fixture, gconstpointer data)
{
  static const char *const methods[] = { "POST", "PUT", "DELETE", "OPTIONS", "get", "X" };

  tell (fixture, HERD_WIRE_ANSWER, "www.example.org", "one");
  for (guint i = 0; i < G_N_ELEMENTS (methods); i++) {
    g_autofree char *answer = ask (
        fixture, "%s " PATH TOKEN ("one") " HTTP/1.1\r\nHost: www.example.org\r\n\r\n", methods[i]);

    assert_status (answer, "405 Method Not Allowed");
    g_assert_nonnull (strstr (answer, "\r\nAllow: GET, HEAD\r\n"));
    g_assert_null (strstr (answer, "thumbprint"));
  }
}

/* One request a connection, and what follows it does not cut its answer off. */
static void
test_pipelining (Fixture *fixture, gconstpointer data)
{
  g_autofree char *more = g_strnfill (30000, 'b');
  g_autofree char *answer = NULL;
  g_autofree char *body = NULL;

  tell (fixture, HERD_WIRE_ANSWER, "www.example.org", "one");
  answer = ask (fixture,
                "GET " PATH TOKEN ("one") " HTTP/1.1\r\nHost: www.example.org\r\n\r\n"
                                          "GET /second HTTP/1.1\r\nHost: www.example.org\r\n\r\n");
  assert_status (answer, "200 OK");
  g_assert_true (g_str_has_suffix (answer, "\r\n\r\n" BODY ("one")));
  body = ask (fixture,
              "GET " PATH TOKEN ("one") " HTTP/1.1\r\nHost: www.example.org\r\n"
                                        "Content-Length: 30000\r\n\r\n%s",
              more);
  assert_status (body, "200 OK");
}

static void
test_verbs (Fixture *fixture, gconstpointer data)
{
  g_autofree char *both = NULL;
  g_autofree char *other = NULL;
  g_autofree char *gone = NULL;
  g_autofree char *cleared = NULL;

  /* The same token for two names: each has its own answer. */
  tell (fixture, HERD_WIRE_ANSWER, "a.example", "one");
  tell (fixture, HERD_WIRE_ANSWER, "b.example", "one");
  tell (fixture, HERD_WIRE_ANSWER, "b.example", "one");
  both = ask (fixture, "GET " PATH TOKEN ("one") " HTTP/1.1\r\nHost: b.example\r\n\r\n");
  assert_status (both, "200 OK");
  tell (fixture, HERD_WIRE_WITHDRAW, "b.example", "one");
  tell (fixture, HERD_WIRE_WITHDRAW, "b.example", "one");
  gone = ask (fixture, "GET " PATH TOKEN ("one") " HTTP/1.1\r\nHost: b.example\r\n\r\n");
  assert_status (gone, "404 Not Found");
  other = ask (fixture, "GET " PATH TOKEN ("one") " HTTP/1.1\r\nHost: a.example\r\n\r\n");
  assert_status (other, "200 OK");
  tell (fixture, HERD_WIRE_CLEAR, NULL, NULL);
  cleared = ask (fixture, "GET " PATH TOKEN ("one") " HTTP/1.1\r\nHost: a.example\r\n\r\n");
  assert_status (cleared, "404 Not Found");
}

static void
test_other_types (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GPtrArray)
      challenges = g_ptr_array_new_with_free_func ((GDestroyNotify) herd_challenge_unref);
  g_autoptr (HerdWireReply) reply = NULL;

  g_ptr_array_add (challenges,
                   herd_challenge_new ("dns-01", "a.example", TOKEN ("one"), BODY ("one")));
  reply = responder_process_ask (fixture->agent, HERD_WIRE_ANSWER, challenges);
  g_assert_false (reply->ok);
  g_assert_nonnull (strstr (reply->message, "dns-01"));
  g_assert_nonnull (strstr (reply->message, "certherd-responder.socket"));
}

/* What does not speak the protocol is put out; the others stay. */
static void
test_bad_agents (Fixture *fixture, gconstpointer data)
{
  g_autofree char *large = g_malloc0 (HERD_WIRE_LIMIT + 100);
  g_autofree char *answer = NULL;
  char reply[2048];

  tell (fixture, HERD_WIRE_ANSWER, "a.example", "one");
  for (guint i = 0; i < 2; i++) {
    int fd = responder_process_connect_control (fixture->process);

    g_assert_cmpint (send (fd, large, i == 0 ? 20 : HERD_WIRE_LIMIT + 100, MSG_NOSIGNAL), >, 0);
    while (recv (fd, reply, sizeof reply, 0) > 0)
      continue;
    close (fd);
  }
  answer = ask (fixture, "GET " PATH TOKEN ("one") " HTTP/1.1\r\nHost: a.example\r\n\r\n");
  assert_status (answer, "200 OK");
}

/* Only root, its own user and the socket's owner may say what it answers. */
static void
test_other_users (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GPtrArray) none = g_ptr_array_new ();
  pid_t pid;
  int status;

  if (geteuid () != 0) {
    g_test_message ("without root, there is no other user to try");
    return;
  }
  g_assert_cmpint (chmod (fixture->process->root, 0755), ==, 0);
  g_assert_cmpint (chmod (fixture->process->socket_path, 0777), ==, 0);
  pid = fork ();
  if (pid == 0) {
    if (setuid (12345) != 0)
      _exit (2);
    _exit (responder_process_ask (responder_process_connect_control (fixture->process),
                                  HERD_WIRE_CLEAR, none)
                   == NULL
               ? 0
               : 1);
  }
  g_assert_cmpint (waitpid (pid, &status, 0), ==, pid);
  g_assert_cmpint (WEXITSTATUS (status), ==, 0);
  /* The owner may. */
  g_assert_cmpint (chown (fixture->process->socket_path, 12345, 0), ==, 0);
  g_assert_cmpint (responder_process_stop (fixture->process, SIGTERM), ==, 0);
  responder_process_start_inherited (fixture->process, NULL);
  g_assert_true (responder_process_wait_ready (fixture->process));
  pid = fork ();
  if (pid == 0) {
    if (setuid (12345) != 0)
      _exit (2);
    _exit (responder_process_ask (responder_process_connect_control (fixture->process),
                                  HERD_WIRE_CLEAR, none)
                   != NULL
               ? 0
               : 1);
  }
  g_assert_cmpint (waitpid (pid, &status, 0), ==, pid);
  g_assert_cmpint (WEXITSTATUS (status), ==, 0);
}

/* --- starting and ending --- */

/* The connection that was there before the responder is the one that systemd starts it for. */
static void
test_first_connection (void)
{
  for (guint i = 0; i < 20; i++) {
    g_autoptr (ResponderProcess) process = responder_process_new ();
    g_autofree char *answer = NULL;

    responder_process_open_sockets (process);
    responder_process_start_inherited (process, NULL);
    answer = responder_process_exchange (process->port, i % 2 == 0, "GET / HTTP/1.0\r\n\r\n", -1);
    g_assert_nonnull (answer);
    assert_status (answer, "404 Not Found");
    g_assert_true (responder_process_wait_ready (process));
    g_assert_cmpint (responder_process_stop (process, SIGTERM), ==, 0);
  }
}

/* Each type on its own kind of socket, and refused where there is none. */
static void
test_tls_socket (void)
{
  static const char *const names[] = { "http-01:tls-alpn-01:control", NULL };

  for (guint i = 0; i < G_N_ELEMENTS (names); i++) {
    g_autoptr (ResponderProcess) process = responder_process_new ();
    g_autoptr (GPtrArray)
        challenges = g_ptr_array_new_with_free_func ((GDestroyNotify) herd_challenge_unref);
    g_autoptr (HerdWireReply) reply = NULL;
    g_autofree char *four = NULL;
    g_autofree char *six = NULL;
    int agent;

    responder_process_open_sockets (process);
    responder_process_start_inherited (process, names[i]);
    g_assert_true (responder_process_wait_ready (process));
    agent = responder_process_connect_control (process);
    g_ptr_array_add (challenges, herd_challenge_new ("tls-alpn-01", "www.example.org",
                                                     TOKEN ("one"), BODY ("one")));
    reply = responder_process_ask (agent, HERD_WIRE_ANSWER, challenges);
    g_assert_cmpint (reply->ok, ==, names[i] != NULL);
    if (names[i] == NULL) {
      g_assert_nonnull (strstr (reply->message, "certherd-responder-tls.socket"));
      g_assert_nonnull (strstr (reply->message, "[solver tls-alpn-01] listen"));
    }
    four = responder_process_exchange (process->port, FALSE, "GET / HTTP/1.0\r\n\r\n", -1);
    six = responder_process_exchange (process->port, TRUE, "GET / HTTP/1.0\r\n\r\n", -1);
    assert_status (four, "404 Not Found");
    if (names[i] != NULL)
      g_assert_cmpint (six[0], ==, 0x15); /* a TLS alert */
    else
      assert_status (six, "404 Not Found");
    close (agent);
    g_assert_cmpint (responder_process_stop (process, SIGTERM), ==, 0);
  }
}

static void
test_child (void)
{
  g_autoptr (ResponderProcess) process = responder_process_new ();
  guint16 port = responder_process_find_port ();
  g_autofree char *listen = g_strdup_printf ("[::]:%u", port);
  g_autofree char *four = NULL;
  g_autofree char *six = NULL;

  responder_process_start_child (process, listen);
  g_assert_true (responder_process_wait_ready (process));
  four = responder_process_exchange (port, FALSE, "GET / HTTP/1.0\r\n\r\n", -1);
  six = responder_process_exchange (port, TRUE, "GET / HTTP/1.0\r\n\r\n", -1);
  assert_status (four, "404 Not Found");
  assert_status (six, "404 Not Found");
  /* The agent's end is its own. */
  close (process->control);
  process->control = -1;
  g_assert_cmpint (responder_process_stop (process, 0), ==, 0);
}

static void
test_port_in_use (void)
{
  g_autoptr (ResponderProcess) process = responder_process_new ();
  g_autofree char *listen = NULL;

  responder_process_open_sockets (process);
  close (process->control);
  process->control = -1;
  listen = g_strdup_printf ("127.0.0.1:%u", process->port);
  responder_process_start_child (process, listen);
  g_assert_false (responder_process_wait_ready (process));
  g_assert_cmpint (responder_process_stop (process, 0), ==, 1);
  g_assert_nonnull (strstr (process->complaints, listen));
  g_assert_nonnull (strstr (process->complaints, "another program listens"));
}

static void
assert_refused (const char *listen, const char *words)
{
  g_autoptr (ResponderProcess) process = responder_process_new ();

  responder_process_start_child (process, listen);
  g_assert_false (responder_process_wait_ready (process));
  g_assert_cmpint (responder_process_stop (process, 0), ==, 1);
  if (strstr (process->complaints, words) == NULL)
    g_error ("“%s” is not in: %s", words, process->complaints);
}

static void
test_bad_addresses (void)
{
  assert_refused (NULL, "no address to listen at");
  assert_refused ("localhost:80", "write 0.0.0.0:80 or [::]:80");
  assert_refused ("80", "certherd.conf:2");
  assert_refused ("192.0.2.1:25080", "cannot listen at 192.0.2.1:25080");
}

static void
test_bad_names (void)
{
  static const char *const bad[][2] = {
    { "http-01:http-01:contrl", "contrl" },
    { "http-01:control:control", "FileDescriptorName=control" },
    { "http-01:http-01:http-01", "control" },
    { "http-01:control", "3 inherited descriptors with 2 names" },
    { "http-01:control:http-01", "SOCK_SEQPACKET" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (bad); i++) {
    g_autoptr (ResponderProcess) process = responder_process_new ();

    responder_process_open_sockets (process);
    responder_process_start_inherited (process, bad[i][0]);
    g_assert_false (responder_process_wait_ready (process));
    g_assert_cmpint (responder_process_stop (process, 0), ==, 1);
    if (strstr (process->complaints, bad[i][1]) == NULL)
      g_error ("“%s” is not in: %s", bad[i][1], process->complaints);
  }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define ADD(name, function)                                                                        \
  g_test_add ("/responder/" name, Fixture, NULL, setup, function, teardown)
  ADD ("answers", test_answers);
  ADD ("addresses", test_addresses);
  ADD ("not-found", test_not_found);
  ADD ("garbage", test_garbage);
  ADD ("methods", test_methods);
  ADD ("pipelining", test_pipelining);
  ADD ("verbs", test_verbs);
  ADD ("other-types", test_other_types);
  ADD ("bad-agents", test_bad_agents);
  ADD ("other-users", test_other_users);
  g_test_add_func ("/responder/first-connection", test_first_connection);
  g_test_add_func ("/responder/tls-socket", test_tls_socket);
  g_test_add_func ("/responder/child", test_child);
  g_test_add_func ("/responder/port-in-use", test_port_in_use);
  g_test_add_func ("/responder/bad-addresses", test_bad_addresses);
  g_test_add_func ("/responder/bad-names", test_bad_names);
  return g_test_run ();
}
