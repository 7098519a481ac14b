// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The double of the agent.
 */
#include "agent-double.h"

#include <gio/gunixfdlist.h>
#include <gnutls/x509.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "plugin/facts.h"
#include "util/memfd.h"

#define ROOT "/org/certherd/Agent1"
#define SUBSCRIPTION ROOT "/subscription/1"

/* --- certificates --- */

typedef struct {
  char *key, *chain;
} Pair;

static char *
take_datum (gnutls_datum_t *datum)
{
  char *text = g_strndup ((const char *) datum->data, datum->size);

  gnutls_free (datum->data);
  return text;
}

static Pair *
make_pair (const char *name)
{
  Pair *pair = g_new0 (Pair, 1);
  gnutls_x509_privkey_t key;
  gnutls_x509_crt_t certificate;
  gnutls_datum_t text;
  guint8 serial[8] = { 1 };

  for (guint i = 1; i < sizeof serial; i++)
    serial[i] = (guint8) g_random_int ();
  gnutls_x509_privkey_init (&key);
  gnutls_x509_crt_init (&certificate);
  gnutls_x509_privkey_generate (key, GNUTLS_PK_ECDSA,
                                GNUTLS_CURVE_TO_BITS (GNUTLS_ECC_CURVE_SECP256R1), 0);
  gnutls_x509_crt_set_version (certificate, 3);
  gnutls_x509_crt_set_serial (certificate, serial, sizeof serial);
  gnutls_x509_crt_set_activation_time (certificate, time (NULL) - 60);
  gnutls_x509_crt_set_expiration_time (certificate, time (NULL) + 3600);
  gnutls_x509_crt_set_dn_by_oid (certificate, GNUTLS_OID_X520_COMMON_NAME, 0, name,
                                 (guint) strlen (name));
  gnutls_x509_crt_set_key (certificate, key);
  g_assert_cmpint (gnutls_x509_crt_sign2 (certificate, certificate, key, GNUTLS_DIG_SHA256, 0), ==,
                   0);
  g_assert_cmpint (gnutls_x509_crt_export2 (certificate, GNUTLS_X509_FMT_PEM, &text), ==, 0);
  pair->chain = take_datum (&text);
  g_assert_cmpint (
      gnutls_x509_privkey_export2_pkcs8 (key, GNUTLS_X509_FMT_PEM, NULL, GNUTLS_PKCS_PLAIN, &text),
      ==, 0);
  pair->key = take_datum (&text);
  gnutls_x509_crt_deinit (certificate);
  gnutls_x509_privkey_deinit (key);
  return pair;
}

static const Pair *
get_pair (const char *name, guint64 generation)
{
  static GMutex lock;
  static GHashTable *pairs;
  g_autofree char *id = g_strdup_printf ("%s %" G_GUINT64_FORMAT, name, generation);
  Pair *pair;

  g_mutex_lock (&lock);
  if (pairs == NULL)
    pairs = g_hash_table_new (g_str_hash, g_str_equal);
  pair = g_hash_table_lookup (pairs, id);
  if (pair == NULL) {
    pair = make_pair (name);
    g_hash_table_insert (pairs, g_steal_pointer (&id), pair);
  }
  g_mutex_unlock (&lock);
  return pair;
}

const char *
agent_double_get_key (const char *name, guint64 generation)
{
  return get_pair (name, generation)->key;
}

const char *
agent_double_get_chain (const char *name, guint64 generation)
{
  return get_pair (name, generation)->chain;
}

static GVariant *
make_facts (const char *name, guint64 generation)
{
  g_autoptr (HerdFacts) facts = herd_facts_new ();
  g_autoptr (GTlsCertificate) certificate = g_tls_certificate_new_from_pem (
      agent_double_get_chain (name, generation), -1, NULL);
  g_autoptr (GByteArray) der = NULL;

  g_object_get (certificate, "certificate", &der, NULL);
  g_free (facts->fingerprint);
  facts->fingerprint = g_compute_checksum_for_data (G_CHECKSUM_SHA256, der->data, der->len);
  g_strfreev (facts->identifiers);
  facts->identifiers = g_new0 (char *, 2);
  facts->identifiers[0] = g_strconcat (name, ".example.org", NULL);
  return herd_facts_to_variant (facts);
}

/* --- the bus --- */

static const DoubleCertificate *
find (AgentDouble *agent, const char *path)
{
  guint64 index = g_ascii_strtoull (strrchr (path, '/') + 1, NULL, 10);

  g_assert_cmpuint (index, <, agent->count);
  return &agent->certificates[index];
}

static void
emit_updated (AgentDouble *agent, const char *path, const char *name, guint64 generation)
{
  g_dbus_connection_emit_signal (agent->connection, agent->subscriber, SUBSCRIPTION,
                                 "org.certherd.Subscription1", "Updated",
                                 g_variant_new ("(ost)", path, name, generation), NULL);
}

static void
answer_subscribe (AgentDouble *agent, GVariant *parameters, GDBusMethodInvocation *invocation)
{
  g_autoptr (GVariant) options = g_variant_get_child_value (parameters, 1);
  const char *target = "";

  g_variant_lookup (options, "target", "&s", &target);
  g_string_append_printf (agent->told, "subscribe %s\n", target);
  if (agent->refusal != NULL) {
    g_dbus_method_invocation_return_dbus_error (invocation, agent->refusal, "the agent's words");
    return;
  }
  g_free (agent->subscriber);
  agent->subscriber = g_strdup (g_dbus_method_invocation_get_sender (invocation));
  g_dbus_method_invocation_return_value (invocation, g_variant_new ("(o)", SUBSCRIPTION));
  for (guint i = 0; i < agent->count; i++) {
    g_autofree char *path = g_strdup_printf (ROOT "/certificate/%u", i);

    emit_updated (agent, path, agent->certificates[i].name, agent->certificates[i].generation);
  }
  if (agent->vanishes) {
    g_dbus_connection_close_sync (agent->connection, NULL, NULL);
    return;
  }
  emit_updated (agent, "/", "", 0);
}

static int
make_memfd (const char *text, gboolean unsealed)
{
  g_autoptr (GBytes) bytes = g_bytes_new_static (text, strlen (text));
  int fd;

  if (!unsealed)
    return herd_memfd_new ("double", bytes, NULL);
  fd = memfd_create ("double", MFD_CLOEXEC | MFD_ALLOW_SEALING);
  g_assert_cmpint (write (fd, text, strlen (text)), ==, strlen (text));
  return fd;
}

static void
answer_open (AgentDouble *agent, const DoubleCertificate *certificate, GVariant *parameters,
             GDBusMethodInvocation *invocation)
{
  g_autoptr (GVariant) options = g_variant_get_child_value (parameters, 0);
  g_autoptr (GUnixFDList) fds = NULL;
  guint64 generation = 0;
  int numbers[2];

  g_variant_lookup (options, "generation", "t", &generation);
  g_string_append_printf (agent->told, "open %s %" G_GUINT64_FORMAT "\n", certificate->name,
                          generation);
  if (generation == certificate->missing) {
    g_dbus_method_invocation_return_dbus_error (invocation, "org.certherd.Error.NotFound",
                                                "it is not kept any more");
    return;
  }
  numbers[0] = make_memfd (agent_double_get_chain (certificate->name, generation),
                           certificate->unsealed);
  numbers[1] = make_memfd (agent_double_get_key (certificate->name, generation),
                           certificate->unsealed);
  fds = g_unix_fd_list_new_from_array (numbers, G_N_ELEMENTS (numbers));
  g_dbus_method_invocation_return_value_with_unix_fd_list (
      invocation,
      g_variant_new ("(thh@a{sv})", generation, 0, 1, make_facts (certificate->name, generation)),
      fds);
}

static void
answer_acknowledge (AgentDouble *agent, GVariant *parameters, GDBusMethodInvocation *invocation)
{
  const char *path, *message;
  guint64 generation;
  gboolean applied;

  g_variant_get (parameters, "(&otb&s)", &path, &generation, &applied, &message);
  g_string_append_printf (agent->told, "acknowledge %s %" G_GUINT64_FORMAT " %s %s\n",
                          find (agent, path)->name, generation, applied ? "yes" : "no", message);
  g_dbus_method_invocation_return_value (invocation, NULL);
}

static void
on_call (GDBusConnection *connection, const char *sender, const char *path, const char *interface,
         const char *method, GVariant *parameters, GDBusMethodInvocation *invocation, gpointer data)
{
  AgentDouble *agent = data;

  if (g_str_equal (method, "Subscribe")) {
    answer_subscribe (agent, parameters, invocation);
  } else if (g_str_equal (method, "OpenBundle")) {
    answer_open (agent, find (agent, path), parameters, invocation);
  } else if (g_str_equal (method, "Acknowledge")) {
    answer_acknowledge (agent, parameters, invocation);
  } else {
    g_assert_cmpstr (method, ==, "Close");
    g_string_append (agent->told, "close\n");
    g_dbus_method_invocation_return_value (invocation, NULL);
  }
}

static GVariant *
on_get (GDBusConnection *connection, const char *sender, const char *path, const char *interface,
        const char *property, GError **error, gpointer data)
{
  const DoubleCertificate *certificate = find (data, path);

  if (g_str_equal (property, "Generations"))
    return g_variant_new_parsed ("[{'generation': <%t>, 'revoked': <%s>, 'not-after': <%x>}]",
                                 certificate->applied,
                                 certificate->is_revoked ? "key-compromise" : "",
                                 certificate->is_over ? (gint64) 1000 : G_MAXINT64);
  g_assert_cmpstr (property, ==, "Deliveries");
  return g_variant_new_parsed ("[{'target': <'other'>, 'applied': <uint64 99>},"
                               " {'target': <'live'>, 'applied': <%t>},"
                               " {'target': <'web'>, 'applied': <%t>}]",
                               certificate->applied, certificate->applied);
}

static const GDBusInterfaceVTable vtable = { on_call, on_get, NULL, { NULL } };

static void export(AgentDouble *agent, const char *interface, const char *path)
{
  g_autofree char *file = g_strdup_printf ("../../data/dbus/%s.xml", interface);
  g_autofree char *location = g_test_build_filename (G_TEST_DIST, file, NULL);
  g_autofree char *text = NULL;
  g_autoptr (GDBusNodeInfo) info = NULL;
  g_autoptr (GError) error = NULL;

  g_file_get_contents (location, &text, NULL, &error);
  g_assert_no_error (error);
  info = g_dbus_node_info_new_for_xml (text, &error);
  g_assert_no_error (error);
  g_dbus_connection_register_object (agent->connection, path, info->interfaces[0], &vtable, agent,
                                     NULL, &error);
  g_assert_no_error (error);
}

static gpointer
run (gpointer data)
{
  AgentDouble *agent = data;
  g_autoptr (GVariant) reply = NULL;
  g_autoptr (GError) error = NULL;

  g_main_context_push_thread_default (agent->context);
  agent->connection = g_dbus_connection_new_for_address_sync (
      g_test_dbus_get_bus_address (agent->bus),
      G_DBUS_CONNECTION_FLAGS_AUTHENTICATION_CLIENT
          | G_DBUS_CONNECTION_FLAGS_MESSAGE_BUS_CONNECTION,
      NULL, NULL, &error);
  g_assert_no_error (error);
  export(agent, "org.certherd.Agent1", ROOT);
  export(agent, "org.certherd.Subscription1", SUBSCRIPTION);
  for (guint i = 0; i < agent->count; i++) {
    g_autofree char *path = g_strdup_printf (ROOT "/certificate/%u", i);

    export(agent, "org.certherd.Certificate1", path);
  }
  reply = g_dbus_connection_call_sync (agent->connection, "org.freedesktop.DBus", "/",
                                       "org.freedesktop.DBus", "RequestName",
                                       g_variant_new ("(su)", "org.certherd.Agent1", 0), NULL,
                                       G_DBUS_CALL_FLAGS_NONE, -1, NULL, &error);
  g_assert_no_error (error);
  g_main_loop_run (agent->loop);
  g_dbus_connection_close_sync (agent->connection, NULL, NULL);
  g_clear_object (&agent->connection);
  g_main_context_pop_thread_default (agent->context);
  return NULL;
}

AgentDouble *
agent_double_new (const DoubleCertificate *certificates, guint count)
{
  AgentDouble *agent = g_new0 (AgentDouble, 1);

  agent->certificates = certificates;
  agent->count = count;
  agent->told = g_string_new (NULL);
  agent->bus = g_test_dbus_new (G_TEST_DBUS_NONE);
  g_test_dbus_up (agent->bus);
  agent->context = g_main_context_new ();
  agent->loop = g_main_loop_new (agent->context, FALSE);
  return agent;
}

void
agent_double_start (AgentDouble *agent)
{
  agent->thread = g_thread_new ("agent double", run, agent);
  while (!g_main_loop_is_running (agent->loop))
    g_thread_yield ();
}

static gboolean
stop_loop (gpointer data)
{
  g_main_loop_quit (data);
  return G_SOURCE_REMOVE;
}

void
agent_double_stop (AgentDouble *agent)
{
  if (agent->thread == NULL)
    return;
  g_main_context_invoke (agent->context, stop_loop, agent->loop);
  g_thread_join (g_steal_pointer (&agent->thread));
}

void
agent_double_free (AgentDouble *agent)
{
  agent_double_stop (agent);
  g_test_dbus_down (agent->bus);
  g_object_unref (agent->bus);
  g_main_loop_unref (agent->loop);
  g_main_context_unref (agent->context);
  g_string_free (agent->told, TRUE);
  g_free (agent->subscriber);
  g_free (agent);
}
