// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Words to the service manager: who hears them.
 */
#include "util/notify.h"

#include <gio/gio.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

/* Listens at NAME ("@": abstract), says something there, and checks that it arrives. */
static void
check_heard (const char *name)
{
  struct sockaddr_un address = { .sun_family = AF_UNIX };
  socklen_t length = (socklen_t) (G_STRUCT_OFFSET (struct sockaddr_un, sun_path) + strlen (name));
  g_autoptr (GError) error = NULL;
  char data[64] = "";
  int fd = socket (AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

  memcpy (address.sun_path, name, strlen (name));
  if (*name == '@')
    address.sun_path[0] = '\0';
  g_assert_cmpint (bind (fd, (struct sockaddr *) &address, length), ==, 0);
  g_setenv ("NOTIFY_SOCKET", name, TRUE);
  g_assert_true (herd_notify ("READY=1\nSTATUS=waiting", &error));
  g_assert_no_error (error);
  g_assert_cmpint (recv (fd, data, sizeof data - 1, MSG_DONTWAIT), >, 0);
  g_assert_cmpstr (data, ==, "READY=1\nSTATUS=waiting");
  close (fd);
}

static void
test_heard (void)
{
  g_autofree char *root = g_dir_make_tmp ("certherd-notify-XXXXXX", NULL);
  g_autofree char *path = g_build_filename (root, "socket", NULL);
  g_autofree char *abstract = g_strdup_printf ("@certherd-test-%d", (int) getpid ());

  check_heard (path);
  check_heard (abstract);
  g_assert_cmpint (g_unlink (path), ==, 0);
  g_assert_cmpint (g_rmdir (root), ==, 0);
}

static void
test_nobody (void)
{
  static const char *const bad[] = { "relative", "/nonexistent/socket" };
  g_autofree char *endless = g_strnfill (200, 'x');
  g_autofree char *too_long = g_strconcat ("/", endless, NULL);
  g_autoptr (GError) error = NULL;

  g_unsetenv ("NOTIFY_SOCKET");
  g_assert_true (herd_notify ("READY=1", &error));
  for (guint i = 0; i < G_N_ELEMENTS (bad); i++) {
    g_setenv ("NOTIFY_SOCKET", bad[i], TRUE);
    g_assert_false (herd_notify ("READY=1", &error));
    g_assert_nonnull (strstr (error->message, bad[i]));
    g_clear_error (&error);
  }
  g_setenv ("NOTIFY_SOCKET", too_long, TRUE);
  g_assert_false (herd_notify ("READY=1", NULL));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/notify/heard", test_heard);
  g_test_add_func ("/notify/nobody", test_nobody);
  return g_test_run ();
}
