// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * adapter-exec: hands each generation to a program of the administrator's: the key by descriptor 3, the
 * chain by descriptor 4 (sealed memfds), the rest in a clean environment. Before it, writes the files
 * if the target has a path. Loaded by certherd-deliver; blocking.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base.h"
#include "plugin/error.h"
#include "plugin/plugin.h"

#define KEY_FD 3
#define CHAIN_FD 4
#define STATUS_RETRY 75 /* EX_TEMPFAIL of sysexits.h */
#define TIMEOUT_DEFAULT 60
#define GRACE (2 * G_USEC_PER_SEC) /* from SIGTERM to SIGKILL */
#define COMPLAINT_LIMIT 4096       /* the end of standard error */
#define COMPLAINT_SHOWN 256

#define HERD_TYPE_ADAPTER_EXEC (herd_adapter_exec_get_type ())
G_DECLARE_FINAL_TYPE (HerdAdapterExec, herd_adapter_exec, HERD, ADAPTER_EXEC, GObject)

struct _HerdAdapterExec {
  HerdAdapterBase base;
  char **command;
  gint64 timeout; /* seconds */
};

static void herd_adapter_exec_iface_init (HerdAdapterInterface *iface);

G_DEFINE_FINAL_TYPE_WITH_CODE (HerdAdapterExec, herd_adapter_exec, G_TYPE_OBJECT,
                               G_IMPLEMENT_INTERFACE (HERD_TYPE_ADAPTER,
                                                      herd_adapter_exec_iface_init))

/* A running program. */
typedef struct {
  GPid pid; /* of a group of its own; 0 = none */
  int pidfd;
  int complaints; /* its standard error */
  GString *tail;
} Child;

static void
child_clear (Child *child)
{
  if (child->pidfd >= 0)
    close (child->pidfd);
  if (child->complaints >= 0)
    close (child->complaints);
  if (child->tail != NULL)
    g_string_free (child->tail, TRUE);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Child, child_clear)

static gboolean
exec_check (HerdAdapter *adapter, GError **error)
{
  HerdAdapterExec *self = HERD_ADAPTER_EXEC (adapter);
  const char *command = herd_adapter_base_get (&self->base, "command");

  if (command == NULL || *command != '/')
    return herd_adapter_base_fail (&self->base, "command",
                                   "the absolute path of a program is needed", error);
  g_strfreev (self->command);
  self->command = g_strsplit (command, "\n", -1);
  return herd_adapter_base_check_timeout (&self->base, TIMEOUT_DEFAULT, &self->timeout, error)
         && herd_adapter_base_check_output (&self->base, FALSE, error);
}

/* --- one run --- */

static int
make_memfd (const char *name, GBytes *bytes)
{
  int fd = memfd_create (name, MFD_CLOEXEC | MFD_ALLOW_SEALING);
  gsize size;
  const char *data = g_bytes_get_data (bytes, &size);

  /* A memfd takes all, or there is no memory. */
  if (fd >= 0
      && (write (fd, data, size) != (gssize) size || lseek (fd, 0, SEEK_SET) != 0
          || fcntl (fd, F_ADD_SEALS, F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE)
                 < 0)) {
    close (fd);
    return -1;
  }
  return fd;
}

static char **
make_environment (HerdAdapterExec *self, const HerdBundle *bundle)
{
  g_autofree char *identifiers = g_strjoinv (" ", bundle->facts->identifiers);
  GStrvBuilder *builder = g_strv_builder_new ();
  char **environment;
  char *const entries[] = {
    g_strdup ("PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"),
    g_strdup ("LANG=C.UTF-8"),
    g_strdup_printf ("CERTHERD_TARGET=%s", self->base.target),
    g_strdup_printf ("CERTHERD_NAME=%s", bundle->name),
    g_strdup_printf ("CERTHERD_GENERATION=%" G_GUINT64_FORMAT, bundle->generation),
    g_strdup_printf ("CERTHERD_IDENTIFIERS=%s", identifiers),
    g_strdup_printf ("CERTHERD_FINGERPRINT=%s", bundle->facts->fingerprint),
    g_strdup_printf ("CERTHERD_NOT_AFTER=%" G_GINT64_FORMAT, bundle->facts->not_after),
    g_strdup_printf ("CERTHERD_KEY_FD=%d", KEY_FD),
    g_strdup_printf ("CERTHERD_CHAIN_FD=%d", CHAIN_FD),
  };

  for (guint i = 0; i < G_N_ELEMENTS (entries); i++) {
    g_strv_builder_add (builder, entries[i]);
    g_free (entries[i]);
  }
  environment = g_strv_builder_end (builder);
  g_strv_builder_unref (builder);
  return environment;
}

/* Runs between fork and exec: only what is safe there. */
static void
lead_group (gpointer data)
{
  setpgid (0, 0);
}

static gboolean
child_start (HerdAdapterExec *self, const HerdBundle *bundle, Child *child, GError **error)
{
  g_auto (GStrv) environment = make_environment (self, bundle);
  const int sources[] = { make_memfd ("key", bundle->key), make_memfd ("chain", bundle->chain) };
  const int targets[] = { KEY_FD, CHAIN_FD };
  gboolean ok = FALSE;

  if (sources[0] < 0 || sources[1] < 0)
    g_set_error (error, G_IO_ERROR, G_IO_ERROR_FAILED, "memfd: %s", g_strerror (errno));
  else
    ok = g_spawn_async_with_pipes_and_fds (
        "/", (const char *const *) self->command, (const char *const *) environment,
        G_SPAWN_DO_NOT_REAP_CHILD, lead_group, NULL, -1, -1, -1, sources, targets,
        G_N_ELEMENTS (sources), &child->pid, NULL, NULL, &child->complaints, error);
  for (guint i = 0; i < G_N_ELEMENTS (sources); i++) {
    if (sources[i] >= 0)
      close (sources[i]);
  }
  if (!ok) {
    herd_error_translate (error, HERD_ERROR_REFUSED, "target %s: %s cannot be run",
                          self->base.target, self->command[0]);
    return FALSE;
  }
  child->pidfd = (int) syscall (SYS_pidfd_open, child->pid, 0);
  fcntl (child->complaints, F_SETFL, O_NONBLOCK);
  return TRUE;
}

/* FALSE: there is nothing left to read. */
static gboolean
child_listen (Child *child)
{
  char data[1024];
  gssize size = read (child->complaints, data, sizeof data);

  if (size <= 0)
    return size < 0 && errno == EINTR;
  g_string_append_len (child->tail, data, size);
  if (child->tail->len > COMPLAINT_LIMIT)
    g_string_erase (child->tail, 0, (gssize) (child->tail->len - COMPLAINT_LIMIT));
  return TRUE;
}

/* Waits until the program itself has ended (what it left behind may keep standard error open) or
 * DEADLINE has come: FALSE. */
static gboolean
child_wait (Child *child, gint64 deadline)
{
  for (;;) {
    struct pollfd fds[] = { { child->pidfd, POLLIN, 0 }, { child->complaints, POLLIN, 0 } };
    gint64 left = deadline - g_get_monotonic_time ();

    if (left <= 0)
      return FALSE;
    if (poll (fds, G_N_ELEMENTS (fds), (int) (left / 1000 + 1)) < 0 && errno != EINTR)
      return FALSE;
    if (fds[1].revents != 0 && !child_listen (child) && (fds[1].revents & POLLHUP)) {
      close (child->complaints);
      child->complaints = -1; /* poll() passes over it */
    }
    if (fds[0].revents != 0)
      break;
  }
  while (child->complaints >= 0 && child_listen (child))
    continue;
  return TRUE;
}

/* The last line of standard error that says something, fit to be shown. */
static char *
child_get_complaint (Child *child)
{
  g_autofree char *text = g_utf8_make_valid (child->tail->str, (gssize) child->tail->len);
  const char *line = g_strrstr (g_strchomp (text), "\n");
  GString *clean = g_string_new (NULL);

  for (line = line != NULL ? line + 1 : text; *line != '\0' && clean->len < COMPLAINT_SHOWN;
       line = g_utf8_next_char (line)) {
    gunichar c = g_utf8_get_char (line);

    g_string_append_unichar (clean, g_unichar_isprint (c) ? c : '?');
  }
  return g_string_free (clean, FALSE);
}

static gboolean
judge (HerdAdapterExec *self, const HerdBundle *bundle, Child *child, int status, GError **error)
{
  g_autofree char *complaint = child_get_complaint (child);
  const char *said = *complaint != '\0' ? complaint : "it did not say why";

  if (WIFEXITED (status) && WEXITSTATUS (status) == 0)
    return TRUE;
  if (WIFEXITED (status) && WEXITSTATUS (status) == STATUS_RETRY)
    g_set_error (error, HERD_ERROR, HERD_ERROR_BUSY, "target %s: %s wants %s later: %s",
                 self->base.target, self->command[0], bundle->name, said);
  else if (WIFEXITED (status))
    g_set_error (error, HERD_ERROR, HERD_ERROR_REFUSED,
                 "target %s: %s would not have %s (exit status %d): %s", self->base.target,
                 self->command[0], bundle->name, WEXITSTATUS (status), said);
  else
    g_set_error (error, HERD_ERROR, HERD_ERROR_REFUSED, "target %s: %s died of signal %d: %s",
                 self->base.target, self->command[0], WTERMSIG (status), said);
  return FALSE;
}

static gboolean
run (HerdAdapterExec *self, const HerdBundle *bundle, GError **error)
{
  g_auto (Child) child = { 0, -1, -1, g_string_new (NULL) };
  gint64 deadline = g_get_monotonic_time () + self->timeout * G_USEC_PER_SEC;
  gboolean ended;
  int status = 0;

  if (!child_start (self, bundle, &child, error))
    return FALSE;
  ended = child_wait (&child, deadline);
  if (!ended) {
    kill (-child.pid, SIGTERM);
    child_wait (&child, g_get_monotonic_time () + GRACE);
    /* Whoever of the group is left, even if its leader obeyed. */
    kill (-child.pid, SIGKILL);
  }
  while (waitpid (child.pid, &status, 0) < 0 && errno == EINTR)
    continue;
  if (ended)
    return judge (self, bundle, &child, status, error);
  g_set_error (error, HERD_ERROR, HERD_ERROR_REFUSED,
               "target %s: %s was ended after its timeout of %" G_GINT64_FORMAT
               " s; make it faster, or set the target's timeout",
               self->base.target, self->command[0], self->timeout);
  return FALSE;
}

static gboolean
exec_activate (HerdAdapter *adapter, HerdBundle *bundle, GError **error)
{
  return run (HERD_ADAPTER_EXEC (adapter), bundle, error);
}

static void
herd_adapter_exec_iface_init (HerdAdapterInterface *iface)
{
  iface->check = exec_check;
  iface->install = herd_adapter_base_install;
  iface->activate = exec_activate;
  iface->activates_each = TRUE;
  iface->restore = herd_adapter_base_install;
  iface->withdraw = herd_adapter_base_withdraw;
}

static void
exec_dispose (GObject *object)
{
  HerdAdapterExec *self = HERD_ADAPTER_EXEC (object);

  g_clear_pointer (&self->command, g_strfreev);
  G_OBJECT_CLASS (herd_adapter_exec_parent_class)->dispose (object);
}

static void
herd_adapter_exec_class_init (HerdAdapterExecClass *klass)
{
  herd_adapter_base_class_init (G_OBJECT_CLASS (klass));
  G_OBJECT_CLASS (klass)->dispose = exec_dispose;
}

static void
herd_adapter_exec_init (HerdAdapterExec *adapter)
{}

HERD_PLUGIN_DEFINE ("adapter", "exec", herd_adapter_exec_get_type)
