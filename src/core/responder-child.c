// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * certherd-responder as a child: a run that starts it again after its end, ever later while it ends
 * at once (a port in use, say), with its challenges presented anew by the link.
 */
#include "core/responder-child.h"

#include <sys/socket.h>
#include <unistd.h>

#include "plugin/error.h"
#include "util/steps.h"

#define AGAIN_FIRST HERD_SECOND
#define AGAIN_MOST (60 * HERD_SECOND)

struct HerdResponderChild {
  char *program;
  char *directory;
  HerdClock *clock;
  HerdResponderLink *link;
  GSubprocess *process;
  HerdRun *run;
  int fd; /* the child's end, until it is given away */
  gint64 started;
  gint64 delay;
};

/* Makes a new pair: one end stays here for the child, the other is returned; -1 with ERROR. */
static int
make_pair (HerdResponderChild *child, GError **error)
{
  int pair[2];

  if (socketpair (AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0) {
    g_set_error (error, HERD_ERROR, HERD_ERROR_FAILED, "no socket pair for certherd-responder: %s",
                 g_strerror (errno));
    return -1;
  }
  child->fd = pair[1];
  return pair[0];
}

static gboolean
enter_run (HerdRun *run, gpointer operation, GError **error)
{
  HerdResponderChild *child = operation;
  g_autoptr (GSubprocessLauncher) launcher = g_subprocess_launcher_new (G_SUBPROCESS_FLAGS_NONE);
  g_autoptr (GError) failure = NULL;

  if (child->fd < 0) {
    int ours = make_pair (child, error);

    if (ours < 0)
      return FALSE;
    herd_responder_link_set_fd (child->link, ours);
  }
  g_subprocess_launcher_take_fd (launcher, child->fd, 3);
  /* What the service manager waits for is the agent's word. */
  g_subprocess_launcher_unsetenv (launcher, "NOTIFY_SOCKET");
  child->fd = -1;
  child->started = herd_clock_get_monotonic (child->clock);
  g_clear_object (&child->process);
  child->process = g_subprocess_launcher_spawn (launcher, &failure, child->program, "--control-fd",
                                                "3", "--config", child->directory, NULL);
  if (child->process == NULL) {
    g_warning ("%s cannot be started: %s", child->program, failure->message);
    return TRUE;
  }
  g_subprocess_wait_async (child->process, herd_run_get_cancellable (run), herd_run_ready,
                           herd_run_slot (run));
  return TRUE;
}

static gboolean
leave_run (HerdRun *run, gpointer operation, GError **error)
{
  HerdResponderChild *child = operation;

  if (herd_run_get_n_results (run) > 0
      && !g_subprocess_wait_finish (child->process, herd_run_get_result (run, 0), error))
    return FALSE;
  if (herd_clock_get_monotonic (child->clock) - child->started > AGAIN_MOST)
    child->delay = AGAIN_FIRST;
  g_warning ("certherd-responder has ended; it is started again in %d s",
             (int) (child->delay / HERD_SECOND));
  herd_run_again (run, child->delay);
  child->delay = MIN (child->delay * 2, AGAIN_MOST);
  return TRUE;
}

static const HerdStep steps[] = {
  { "run", enter_run, leave_run, HERD_COMMIT_NONE },
  { "done", NULL, NULL, HERD_COMMIT_NONE },
};

static void
finished (gpointer operation G_GNUC_UNUSED, const GError *error)
{
  if (error != NULL)
    g_warning ("certherd-responder is not started again: %s", error->message);
}

static const HerdRunOps operations = { .finished = finished };

HerdResponderChild *
herd_responder_child_new (const char *program, const char *directory, HerdClock *clock,
                          GError **error)
{
  g_autoptr (HerdResponderChild) child = g_new0 (HerdResponderChild, 1);
  int ours;

  child->fd = -1;
  child->program = g_strdup (program);
  child->directory = g_strdup (directory);
  child->clock = herd_clock_ref (clock);
  child->delay = AGAIN_FIRST;
  ours = make_pair (child, error);
  if (ours < 0)
    return NULL;
  child->link = herd_responder_link_new_fd (ours, clock);
  child->run = herd_run_new ("responder", steps, G_N_ELEMENTS (steps), &operations, child, clock,
                             NULL);
  herd_run_start (child->run, NULL);
  return g_steal_pointer (&child);
}

void
herd_responder_child_free (HerdResponderChild *child)
{
  if (child == NULL)
    return;
  herd_run_unref (child->run);
  if (child->process != NULL)
    g_subprocess_send_signal (child->process, SIGTERM);
  g_clear_object (&child->process);
  g_clear_object (&child->link);
  if (child->fd >= 0)
    close (child->fd);
  herd_clock_unref (child->clock);
  g_free (child->program);
  g_free (child->directory);
  g_free (child);
}

HerdResponderLink *
herd_responder_child_get_link (HerdResponderChild *child)
{
  return child->link;
}
