// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The responder as a process.
 */
#include "responder-process.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#define PATIENCE 20 /* s, for what takes no time */

ResponderProcess *
responder_process_new (void)
{
  ResponderProcess *process = g_new0 (ResponderProcess, 1);

  process->root = g_dir_make_tmp ("certherd-responder-XXXXXX", NULL);
  g_assert_nonnull (process->root);
  process->control = process->http[0] = process->http[1] = -1;
  process->errors = process->notify = -1;
  return process;
}

static void
close_fd (int *fd)
{
  if (*fd >= 0)
    close (*fd);
  *fd = -1;
}

void
responder_process_free (ResponderProcess *process)
{
  const char *const argv[] = { "rm", "-rf", process->root, NULL };

  if (process->pid != 0)
    responder_process_stop (process, SIGKILL);
  g_assert_true (g_spawn_sync (NULL, (char **) argv, NULL, G_SPAWN_SEARCH_PATH, NULL, NULL, NULL,
                               NULL, NULL, NULL));
  close_fd (&process->control);
  close_fd (&process->http[0]);
  close_fd (&process->http[1]);
  close_fd (&process->errors);
  close_fd (&process->notify);
  g_free (process->root);
  g_free (process->socket_path);
  g_free (process->complaints);
  g_free (process);
}

/* --- sockets --- */

static int
listen_tcp (gboolean ipv6, guint16 port)
{
  struct sockaddr_in6 six = { .sin6_family = AF_INET6, .sin6_port = htons (port) };
  struct sockaddr_in four = { .sin_family = AF_INET, .sin_port = htons (port) };
  int fd = socket (ipv6 ? AF_INET6 : AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  int one = 1;

  six.sin6_addr = in6addr_loopback;
  four.sin_addr.s_addr = htonl (INADDR_LOOPBACK);
  g_assert_cmpint (setsockopt (fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one), ==, 0);
  if (bind (fd, ipv6 ? (struct sockaddr *) &six : (struct sockaddr *) &four,
            ipv6 ? sizeof six : sizeof four)
          < 0
      || listen (fd, 300) < 0) {
    close (fd);
    return -1;
  }
  return fd;
}

guint16
responder_process_find_port (void)
{
  for (guint i = 0; i < 1000; i++) {
    guint16 port = (guint16) g_random_int_range (20000, 32000);
    int six = listen_tcp (TRUE, port);
    int four = listen_tcp (FALSE, port);
    gboolean is_free = six >= 0 && four >= 0;

    close_fd (&six);
    close_fd (&four);
    if (is_free)
      return port;
  }
  g_assert_not_reached ();
}

void
responder_process_open_sockets (ResponderProcess *process)
{
  struct sockaddr_un address = { .sun_family = AF_UNIX };

  process->port = responder_process_find_port ();
  process->http[0] = listen_tcp (FALSE, process->port);
  process->http[1] = listen_tcp (TRUE, process->port);
  g_assert_cmpint (process->http[0], >=, 0);
  g_assert_cmpint (process->http[1], >=, 0);
  process->socket_path = g_build_filename (process->root, "control", NULL);
  g_strlcpy (address.sun_path, process->socket_path, sizeof address.sun_path);
  process->control = socket (AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
  g_assert_cmpint (bind (process->control, (struct sockaddr *) &address, sizeof address), ==, 0);
  g_assert_cmpint (listen (process->control, 10), ==, 0);
}

/* --- the process --- */

static void
open_notify (ResponderProcess *process)
{
  struct sockaddr_un address = { .sun_family = AF_UNIX };
  g_autofree char *path = g_build_filename (process->root, "notify", NULL);

  close_fd (&process->notify);
  process->notify = socket (AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  g_unlink (path);
  g_strlcpy (address.sun_path, path, sizeof address.sun_path);
  g_assert_cmpint (bind (process->notify, (struct sockaddr *) &address, sizeof address), ==, 0);
}

/* What the child needs, made before there is one: between fork and exec it may call nothing that takes
 * a lock, since another thread may have held it at the fork. */
typedef struct {
  char *program;
  const char *argv[6];
  char **environment;
  char *pid; /* where its own goes in ENVIRONMENT; NULL: nowhere */
} Plan;

#define PID_DIGITS 10

static void
make_plan (Plan *plan, ResponderProcess *process, guint count, const char *names,
           const char *config, gboolean child)
{
  g_autofree char *notify = g_build_filename (process->root, "notify", NULL);
  g_autofree char *number = g_strdup_printf ("%u", count);
  const char *const argv[] = {
    "certherd-responder", "--config", config, child && count > 0 ? "--control-fd" : NULL, "3", NULL
  };
  guint last;

  plan->program = g_test_build_filename (G_TEST_BUILT, "../../src/responder/certherd-responder",
                                         NULL);
  memcpy (plan->argv, argv, sizeof argv);
  plan->environment = g_environ_setenv (g_get_environ (), "NOTIFY_SOCKET", notify, TRUE);
  if (child)
    return;
  plan->environment = g_environ_setenv (plan->environment, "LISTEN_FDS", number, TRUE);
  plan->environment = g_environ_setenv (plan->environment, "LISTEN_FDNAMES", names, TRUE);
  plan->environment = g_environ_unsetenv (plan->environment, "LISTEN_PID");
  last = g_strv_length (plan->environment);
  plan->environment = g_renew (char *, plan->environment, last + 2);
  plan->environment[last] = g_strdup_printf ("LISTEN_PID=%0*d", PID_DIGITS, 0);
  plan->environment[last + 1] = NULL;
  plan->pid = strchr (plan->environment[last], '=') + 1;
}

static void
clear_plan (Plan *plan)
{
  g_free (plan->program);
  g_strfreev (plan->environment);
}

/* In the child: FDS become 3, 4, … */
static void
place_fds (const int *fds, guint count)
{
  int high[8];

  for (guint i = 0; i < count; i++)
    high[i] = fcntl (fds[i], F_DUPFD, 100);
  for (guint i = 0; i < count; i++)
    dup2 (high[i], 3 + (int) i);
  for (guint i = 0; i < count; i++)
    close (high[i]);
}

/* In the child: decimal, with zeros in front. */
static void
place_pid (char *where)
{
  pid_t rest = getpid ();

  for (int i = PID_DIGITS - 1; where != NULL && i >= 0; i--, rest /= 10)
    where[i] = (char) ('0' + rest % 10);
}

static void
start (ResponderProcess *process, const int *fds, guint count, const char *names,
       const char *config, gboolean child)
{
  Plan plan = { 0 };
  int errors[2];

  g_assert_cmpint (process->pid, ==, 0);
  open_notify (process);
  close_fd (&process->errors);
  g_assert_cmpint (pipe2 (errors, O_CLOEXEC), ==, 0);
  make_plan (&plan, process, count, names, config, child);
  process->pid = fork ();
  if (process->pid == 0) {
    prctl (PR_SET_PDEATHSIG, SIGKILL); /* a test that fails leaves nothing behind */
    dup2 (errors[1], 2);
    place_fds (fds, count);
    place_pid (plan.pid);
    execve (plan.program, (char **) plan.argv, plan.environment);
    _exit (127);
  }
  clear_plan (&plan);
  g_assert_cmpint (process->pid, >, 0);
  close (errors[1]);
  process->errors = errors[0];
}

void
responder_process_start_inherited (ResponderProcess *process, const char *names)
{
  const int fds[] = { process->http[0], process->http[1], process->control };

  start (process, fds, 3, names != NULL ? names : "http-01:http-01:control", "/nonexistent", FALSE);
}

void
responder_process_start_child (ResponderProcess *process, const char *listen)
{
  g_autofree char *path = g_build_filename (process->root, "certherd.conf", NULL);
  g_autofree char *text = g_strdup_printf ("[solver http-01]\nlisten = %s\n", listen);
  int pair[2];

  g_assert_true (g_file_set_contents (path, listen != NULL ? text : "", -1, NULL));
  g_assert_cmpint (socketpair (AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), ==, 0);
  close_fd (&process->control);
  process->control = pair[0];
  start (process, &pair[1], 1, NULL, process->root, TRUE);
  close (pair[1]);
}

gboolean
responder_process_wait_ready (ResponderProcess *process)
{
  struct pollfd fds[] = { { process->notify, POLLIN, 0 }, { process->errors, 0, 0 } };
  char data[64] = "";

  g_assert_cmpint (poll (fds, G_N_ELEMENTS (fds), PATIENCE * 1000), >, 0);
  if (fds[0].revents == 0)
    return FALSE;
  g_assert_cmpint (recv (process->notify, data, sizeof data - 1, 0), >, 0);
  g_assert_cmpstr (data, ==, "READY=1");
  return TRUE;
}

static void
read_complaints (ResponderProcess *process)
{
  g_autoptr (GString) text = g_string_new (NULL);
  char data[1024];
  gssize size;

  while ((size = read (process->errors, data, sizeof data)) > 0)
    g_string_append_len (text, data, size);
  g_free (process->complaints);
  process->complaints = g_strdup (text->str);
}

int
responder_process_stop (ResponderProcess *process, int signal)
{
  int status;

  if (signal != 0)
    kill (process->pid, signal);
  while (waitpid (process->pid, &status, 0) < 0)
    g_assert_cmpint (errno, ==, EINTR);
  process->pid = 0;
  read_complaints (process);
  return WIFEXITED (status) ? WEXITSTATUS (status) : -WTERMSIG (status);
}

/* --- conversation --- */

HerdChallenge *
responder_process_make_challenge (const char *identifier, const char *name)
{
  g_autofree char *token = g_strdup_printf ("%s-0123456789abcdefghijkl", name);
  g_autofree char *key_authorization = g_strdup_printf ("%s.thumbprint-of-%s", token, name);

  return herd_challenge_new ("http-01", identifier, token, key_authorization);
}

static void
set_patience (int fd)
{
  const struct timeval patience = { PATIENCE, 0 };

  g_assert_cmpint (setsockopt (fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience), ==, 0);
}

int
responder_process_connect_control (ResponderProcess *process)
{
  struct sockaddr_un address = { .sun_family = AF_UNIX };
  int fd = socket (AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

  g_strlcpy (address.sun_path, process->socket_path, sizeof address.sun_path);
  g_assert_cmpint (connect (fd, (struct sockaddr *) &address, sizeof address), ==, 0);
  return fd;
}

HerdWireReply *
responder_process_ask (int fd, HerdWireVerb verb, GPtrArray *challenges)
{
  const guint32 serial = g_random_int ();
  g_autoptr (GBytes) request = herd_wire_encode_request (serial, verb, challenges, NULL);
  char data[4096];
  gsize length;
  gconstpointer text = g_bytes_get_data (request, &length);
  gssize size;
  HerdWireReply *reply;

  set_patience (fd);
  if (send (fd, text, length, MSG_NOSIGNAL) < 0)
    return NULL;
  size = recv (fd, data, sizeof data, 0);
  if (size <= 0)
    return NULL;
  reply = herd_wire_decode_reply (data, (gsize) size, NULL);
  g_assert_nonnull (reply);
  g_assert_cmpuint (reply->serial, ==, serial);
  return reply;
}

char *
responder_process_exchange (guint16 port, gboolean ipv6, const char *text, gssize size)
{
  struct sockaddr_in6 six = { .sin6_family = AF_INET6, .sin6_port = htons (port) };
  struct sockaddr_in four = { .sin_family = AF_INET, .sin_port = htons (port) };
  int fd = socket (ipv6 ? AF_INET6 : AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  g_autoptr (GString) answer = g_string_new (NULL);
  gsize length = size < 0 ? strlen (text) : (gsize) size;
  char data[4096];
  gssize part;

  six.sin6_addr = in6addr_loopback;
  four.sin_addr.s_addr = htonl (INADDR_LOOPBACK);
  set_patience (fd);
  g_assert_cmpint (connect (fd, ipv6 ? (struct sockaddr *) &six : (struct sockaddr *) &four,
                            ipv6 ? sizeof six : sizeof four),
                   ==, 0);
  g_assert_cmpint (send (fd, text, length, MSG_NOSIGNAL), ==, length);
  while ((part = recv (fd, data, sizeof data, 0)) > 0)
    g_string_append_len (answer, data, part);
  close (fd);
  return part == 0 ? g_string_free (g_steal_pointer (&answer), FALSE) : NULL;
}
