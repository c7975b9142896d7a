#import "GRLDefines.h"

NS_ASSUME_NONNULL_BEGIN

/// A record, as a store is given it to keep.
NS_SWIFT_NAME(Record)
@interface GRLRecord : NSObject {
@private
    NSData *_key;
    NSString *_clientID;
    NSString *_subject;
    uint64_t _keepUntil;
    NSData *_body;
}
/// 16 bytes, random or a hash: no text.
@property (nonatomic, readonly, copy) NSData *key;
/// The client whose grant it is; empty where it is no grant and so nobody's.
@property (nonatomic, readonly, copy) NSString *clientID;
/// The user whose grant it is; empty where it is no grant.
@property (nonatomic, readonly, copy) NSString *subject;
/// From when on -sweepAt:… may remove it, in seconds since 1970; UINT64_MAX: never.
@property (nonatomic, readonly) uint64_t keepUntil;
/// All of it, for the engine's eyes: give it back byte for byte.
@property (nonatomic, readonly, copy) NSData *body;
- (instancetype)init GRL_UNAVAILABLE;
+ (instancetype)new GRL_UNAVAILABLE;
@end

/// Where records are kept, by means of your own: Core Data, a database that is there already.
///
/// A store holds, for each key, one record and its version: a number of yours that is not 0, another one with each
/// change, and never the same one twice for a key. A change touches one record and is atomic: of all who insert one key,
/// or swap one version, exactly one gets it done. What was done is there for good. Text is compared byte for byte.
/// grantlet.h says it all under `grl_store`.
///
/// The methods are called on the thread that called the engine, several at once, and must not call the engine. Each
/// returns NO and an error where it failed: GRLErrorTemporarilyUnavailable, GRLErrorStoreFull, GRLErrorStoreReadOnly and
/// GRLErrorStoreCorrupt (of GRLErrorDomain) mean what they say; of any other, and of what is thrown, the call ends with
/// GRLErrorServerError.
NS_SWIFT_NAME(Store)
@protocol GRLStore <NSObject>
/// Puts a record where none of its key is. `done` gets NO if there is one, which then stays.
- (BOOL)insertRecord:(GRLRecord *)record done:(BOOL *)done error:(NSError **)error;
/// Gives a record's body and version; `body` gets nil if there is none.
- (BOOL)loadRecordWithKey:(NSData *)key
                     body:(NSData *_Nullable *_Nonnull)body
                  version:(uint64_t *)version
                    error:(NSError **)error;
/// Puts a record in the place of the one of its key, if that has this version. `done` gets NO if not; it then stays.
- (BOOL)swapRecord:(GRLRecord *)record version:(uint64_t)version done:(BOOL *)done error:(NSError **)error;
/// Gives the key of each grant of this client and user, in any order. An empty one means anybody's; what is no grant
/// is not listed.
- (nullable NSArray<NSData *> *)keysOwnedByClientID:(NSString *)clientID
                                            subject:(NSString *)subject
                                              error:(NSError **)error;
/// Removes at most `limit` records whose `keepUntil` is not after `now`; gives how many.
- (BOOL)sweepAt:(uint64_t)now limit:(NSUInteger)limit swept:(NSUInteger *)swept error:(NSError **)error;
@end

NS_ASSUME_NONNULL_END
