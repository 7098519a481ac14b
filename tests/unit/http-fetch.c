// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * http-fetch [--without-init] URL TRUST…: gets URL once with a session of its own for each file
 * TRUST, and prints a line for each: the status or the error. A program apart, because
 * glib-networking resumes no TLS session in a process that has called g_test_init().
 */
#include "net/http.h"
#include "plugin/error.h"
#include "util/file.h"

static void
on_answer (GObject *source G_GNUC_UNUSED, GAsyncResult *result, gpointer data)
{
  *(GAsyncResult **) data = g_object_ref (result);
}

static void
fetch (HerdClock *clock, const char *url, const char *path)
{
  g_autofree char *trust = NULL;
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;
  g_autoptr (HerdHttp) http = NULL;
  g_autoptr (HerdHttpResponse) response = NULL;
  HerdHttpRequest request = { .label = "fetch", .method = "GET", .url = url, .limit = 65536 };

  if (g_file_get_contents (path, &trust, NULL, &error)) {
    HerdHttpOptions options = { .user_agent = "http-fetch", .trust = trust, .clock = clock };

    http = herd_http_new (&options, &error);
  }
  if (http != NULL) {
    herd_http_send_async (http, &request, NULL, on_answer, &result);
    while (result == NULL)
      g_main_context_iteration (NULL, TRUE);
    response = herd_http_send_finish (http, result, &error);
  }
  if (response != NULL)
    g_print ("%u\n", herd_http_response_get_status (response));
  else
    g_print ("%s\n", error->message);
}

int
main (int argc, char **argv)
{
  g_autoptr (HerdClock) clock = herd_clock_new_system ();
  int first = 1;

  g_unsetenv ("G_TLS_GNUTLS_PRIORITY");
  if (argc > 1 && g_str_equal (argv[1], "--without-init"))
    first++;
  else
    herd_net_init ();
  for (int i = first + 1; i < argc; i++)
    fetch (clock, argv[first], argv[i]);
  return 0;
}
