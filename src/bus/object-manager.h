// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * org.freedesktop.DBus.ObjectManager on the root, bounded: past the bus's largest message its reply
 * would throw the agent off the bus, and any reader may ask for it.
 */
#pragma once

#include "bus/bus.h"

G_BEGIN_DECLS

/* Objects that GetManagedObjects gives; beyond that it names ListCertificates. */
#define HERD_MANAGED_OBJECTS_MAX 1000

/* The registration's id, 0 with ERROR. */
guint herd_bus_register_object_manager (HerdBus *bus, GError **error);

G_END_DECLS
