// What older Foundations lack of today's. Imported by every public header.
#import <Foundation/Foundation.h>

#ifndef NS_SWIFT_NAME
#define NS_SWIFT_NAME(name) __attribute__((swift_name(#name)))
#endif

#ifndef NS_NOESCAPE
#define NS_NOESCAPE __attribute__((noescape))
#endif

// NS_UNAVAILABLE says nothing in some.
#define GRL_UNAVAILABLE __attribute__((unavailable))

#ifndef NS_ERROR_ENUM
#define NS_ERROR_ENUM(domain, name)                                                                \
    enum name : NSInteger name;                                                                    \
    enum __attribute__((ns_error_domain(domain), enum_extensibility(open))) name : NSInteger
#endif
