// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Programs run with limits. Three descriptors are watched: two pipes and the process itself (a pidfd). It
 * is reaped last, so that its group's number is not another's while signals go to it.
 */
#include "util/child.h"

#include <errno.h>
#include <fcntl.h>
#include <glib-unix.h>
#include <signal.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "util/memfd.h"
#include "util/text.h"

#define GRACE (2 * HERD_SECOND) /* from SIGTERM to SIGKILL */
#define COMPLAINT_LIMIT 4096    /* the end of standard error */
#define PIECE 4096
/* Pieces that are read after the end: more than a pipe holds, but not for ever, since what the program
 * left behind may go on writing. */
#define LAST_PIECES 32

typedef struct {
  int fd; /* -1: closed */
  GSource *source;
  GString *text;
  gsize limit;
  gboolean keep_end;
} Pipe;

typedef struct {
  GTask *task;
  HerdClock *clock;
  GPid pid;
  int pidfd;
  GSource *ended;
  Pipe output;
  Pipe complaint;
  guint timer;
  guint timeout;
  GCancellable *cancellable;
  gulong handler;
  GError *reason; /* why we ended it */
} Child;

/* --- pipes --- */

static void
pipe_close (Pipe *pipe)
{
  if (pipe->source != NULL) {
    g_source_destroy (pipe->source);
    g_clear_pointer (&pipe->source, g_source_unref);
  }
  if (pipe->fd >= 0)
    close (pipe->fd);
  pipe->fd = -1;
}

/* FALSE: there is nothing more now, or ever (then it is closed). What is too much is read all the same,
 * so that the program is not held up. */
static gboolean
pipe_read (Pipe *pipe)
{
  char piece[PIECE];
  gssize size = read (pipe->fd, piece, sizeof piece);

  if (size == 0 || (size < 0 && errno != EAGAIN && errno != EINTR)) {
    pipe_close (pipe);
    return FALSE;
  }
  if (size < 0)
    return errno == EINTR;
  if (pipe->keep_end || pipe->text->len <= pipe->limit)
    g_string_append_len (pipe->text, piece, size);
  if (pipe->keep_end && pipe->text->len > pipe->limit)
    g_string_erase (pipe->text, 0, (gssize) (pipe->text->len - pipe->limit));
  return TRUE;
}

static gboolean
on_readable (int fd G_GNUC_UNUSED, GIOCondition condition G_GNUC_UNUSED, gpointer data)
{
  /* Closing destroys the source that calls us; GLib allows that. */
  pipe_read (data);
  return G_SOURCE_CONTINUE;
}

static void
pipe_finish (Pipe *pipe)
{
  for (guint i = 0; i < LAST_PIECES && pipe->fd >= 0 && pipe_read (pipe); i++)
    continue;
  pipe_close (pipe);
}

static GSource *
watch (int fd, GUnixFDSourceFunc func, gpointer data)
{
  GSource *source = g_unix_fd_source_new (fd, G_IO_IN);

  g_source_set_callback (source, G_SOURCE_FUNC (func), data, NULL);
  g_source_attach (source, g_main_context_get_thread_default ());
  return source;
}

static void
pipe_begin (Pipe *pipe)
{
  g_unix_set_fd_nonblocking (pipe->fd, TRUE, NULL);
  pipe->source = watch (pipe->fd, on_readable, pipe);
}

/* --- the end --- */

static void
child_free (Child *child)
{
  if (child->ended != NULL)
    g_source_destroy (child->ended);
  g_clear_pointer (&child->ended, g_source_unref);
  if (child->handler != 0)
    g_signal_handler_disconnect (child->cancellable, child->handler);
  g_clear_object (&child->cancellable);
  herd_clock_disarm (child->clock, child->timer);
  herd_clock_unref (child->clock);
  pipe_close (&child->output);
  pipe_close (&child->complaint);
  g_string_free (child->output.text, TRUE);
  g_string_free (child->complaint.text, TRUE);
  if (child->pidfd >= 0)
    close (child->pidfd);
  g_clear_error (&child->reason);
  g_clear_object (&child->task);
  g_free (child);
}

/* The last line of TEXT that says something; "" if none does. */
static char *
last_line (const GString *text)
{
  gsize end = text->len;
  gsize start;

  while (end > 0 && g_ascii_isspace (text->str[end - 1]))
    end--;
  for (start = end; start > 0 && text->str[start - 1] != '\n'; start--)
    continue;
  return herd_text_from_remote (text->str + start, (gssize) (end - start));
}

static HerdChildResult *
make_result (Child *child, int status)
{
  HerdChildResult *result = g_new0 (HerdChildResult, 1);
  const GString *output = child->output.text;

  result->status = WIFEXITED (status) ? WEXITSTATUS (status) : 128 + WTERMSIG (status);
  result->output = herd_text_lines_from_remote (output->str, (gssize) output->len,
                                                HERD_CHILD_OUTPUT_LIMIT);
  result->complaint = last_line (child->complaint.text);
  if (*result->complaint == '\0') {
    g_free (result->complaint);
    result->complaint = last_line (output);
  }
  return result;
}

static gboolean
on_ended (int fd G_GNUC_UNUSED, GIOCondition condition G_GNUC_UNUSED, gpointer data)
{
  Child *child = data;
  g_autoptr (GTask) task = g_object_ref (child->task);
  g_autoptr (GError) reason = NULL;
  HerdChildResult *answer;
  int status = 0;

  /* Whoever of the group is left, even if its leader obeyed. */
  if (child->reason != NULL)
    kill (-child->pid, SIGKILL);
  while (waitpid (child->pid, &status, 0) < 0 && errno == EINTR)
    continue;
  pipe_finish (&child->output);
  pipe_finish (&child->complaint);
  answer = make_result (child, status);
  reason = g_steal_pointer (&child->reason);
  /* Before anybody hears of it: who cancels now must not signal to a number that is free again. */
  child_free (child);
  if (reason == NULL) {
    g_task_return_pointer (task, answer, (GDestroyNotify) herd_child_result_free);
  } else {
    herd_child_result_free (answer);
    g_task_return_error (task, g_steal_pointer (&reason));
  }
  return G_SOURCE_CONTINUE;
}

/* --- ending it before its time --- */

static void
on_grace_over (gpointer data)
{
  Child *child = data;

  child->timer = 0;
  kill (-child->pid, SIGKILL);
}

/* Takes REASON. */
static void
end (Child *child, GError *reason)
{
  if (child->reason != NULL) {
    g_error_free (reason);
    return;
  }
  child->reason = reason;
  herd_clock_disarm (child->clock, child->timer);
  kill (-child->pid, SIGTERM);
  child->timer = herd_clock_arm (child->clock, GRACE, on_grace_over, child);
}

static void
on_timeout (gpointer data)
{
  Child *child = data;

  child->timer = 0;
  end (child, g_error_new (G_IO_ERROR, G_IO_ERROR_TIMED_OUT,
                           "it had not ended after %u seconds, and was ended", child->timeout));
}

static void
on_cancelled (GCancellable *cancellable G_GNUC_UNUSED, gpointer data)
{
  end (data, g_error_new_literal (G_IO_ERROR, G_IO_ERROR_CANCELLED, "cancelled"));
}

/* --- the beginning --- */

/* Runs between fork and exec: only what is safe there. */
static void
lead_group (gpointer data G_GNUC_UNUSED)
{
  setpgid (0, 0);
  signal (SIGPIPE, SIG_DFL);
}

static gboolean
spawn (Child *child, const HerdChildOptions *options, GError **error)
{
  int input = -1;
  gboolean ok;

  if (options->input != NULL) {
    input = herd_memfd_new ("input", options->input, error);
    if (input < 0)
      return FALSE;
  }
  ok = g_spawn_async_with_pipes_and_fds (
      "/", options->argv, options->environment, G_SPAWN_DO_NOT_REAP_CHILD, lead_group, NULL, input,
      -1, -1, NULL, NULL, 0, &child->pid, NULL, &child->output.fd, &child->complaint.fd, error);
  if (input >= 0)
    close (input);
  if (!ok)
    return FALSE;
  child->pidfd = (int) syscall (SYS_pidfd_open, child->pid, 0);
  if (child->pidfd >= 0)
    return TRUE;
  g_set_error (error, G_IO_ERROR, (int) g_io_error_from_errno (errno), "pidfd_open: %s",
               g_strerror (errno));
  kill (-child->pid, SIGKILL);
  waitpid (child->pid, NULL, 0);
  return FALSE;
}

static void
child_begin (Child *child)
{
  child->ended = watch (child->pidfd, on_ended, child);
  pipe_begin (&child->output);
  pipe_begin (&child->complaint);
  child->timer = herd_clock_arm (child->clock, child->timeout * (gint64) HERD_SECOND, on_timeout,
                                 child);
  /* Not g_cancellable_connect(): its disconnect blocks when called from the handler. */
  if (child->cancellable != NULL)
    child->handler = g_signal_connect (child->cancellable, "cancelled", G_CALLBACK (on_cancelled),
                                       child);
}

void
herd_child_run_async (const HerdChildOptions *options, HerdClock *clock, GCancellable *cancellable,
                      GAsyncReadyCallback callback, gpointer data)
{
  Child *child = g_new0 (Child, 1);
  GError *error = NULL;

  child->task = g_task_new (NULL, cancellable, callback, data);
  g_task_set_check_cancellable (child->task, FALSE);
  child->clock = herd_clock_ref (clock);
  child->timeout = options->timeout;
  child->pidfd = -1;
  child->output = (Pipe){ -1, NULL, g_string_new (NULL), HERD_CHILD_OUTPUT_LIMIT, FALSE };
  child->complaint = (Pipe){ -1, NULL, g_string_new (NULL), COMPLAINT_LIMIT, TRUE };
  if (g_cancellable_set_error_if_cancelled (cancellable, &error)
      || !spawn (child, options, &error)) {
    g_task_return_error (child->task, error);
    child_free (child);
    return;
  }
  g_set_object (&child->cancellable, cancellable);
  child_begin (child);
}

HerdChildResult *
herd_child_run_finish (GAsyncResult *result, GError **error)
{
  return g_task_propagate_pointer (G_TASK (result), error);
}

void
herd_child_result_free (HerdChildResult *result)
{
  if (result == NULL)
    return;
  g_free (result->output);
  g_free (result->complaint);
  g_free (result);
}
